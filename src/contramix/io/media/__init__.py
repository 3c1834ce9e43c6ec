"""List, read and decode image and audio files in folders, archives and tables."""
