"""Read delimited text files: dialect, types of cells, and chunks."""
