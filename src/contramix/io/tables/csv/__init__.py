"""Read delimited text files such as CSV: detect the dialect and the column types, and locate faulty lines."""
