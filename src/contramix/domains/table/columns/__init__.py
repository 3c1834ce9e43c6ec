"""Describe the kinds of columns of a table."""
