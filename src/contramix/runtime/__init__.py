"""Provide processes, randomness, precision, files and memory; nothing here knows of learning."""
