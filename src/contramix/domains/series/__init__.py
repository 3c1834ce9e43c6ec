"""Describe time series, and how they become samples."""
