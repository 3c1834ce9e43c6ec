"""Describe images: sizes, formats, augmentation, and how they become samples."""
