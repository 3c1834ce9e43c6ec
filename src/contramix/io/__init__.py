"""Read files of all supported formats as Arrow tables with one row per record.

This package depends neither on the domains (table, image, audio ...) nor on training.
"""
