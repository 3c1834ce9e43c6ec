"""Compute representations of large data sets, and write them to files or folders of files."""
