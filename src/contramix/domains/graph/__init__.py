"""Describe graphs, and how they become samples."""
