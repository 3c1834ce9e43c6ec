"""Read tables from files and data frames as Arrow tables."""
