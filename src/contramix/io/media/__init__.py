"""List, read and decode media files in folders, archives and tables."""
