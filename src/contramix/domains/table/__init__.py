"""Describe tables: columns, what is learned of them, and how rows become samples."""
