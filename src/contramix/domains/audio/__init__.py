"""Describe audio clips: formats, spectrograms, and how clips become samples."""
