"""Describe text, and how it becomes tokens."""
