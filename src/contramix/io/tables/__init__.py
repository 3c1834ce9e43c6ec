"""Convert table files and data frames to Arrow tables with a small set of column types."""
