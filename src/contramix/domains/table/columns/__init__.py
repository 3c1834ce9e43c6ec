"""Kinds of table columns: what is learned of each, and how its values become elements of a vector."""
