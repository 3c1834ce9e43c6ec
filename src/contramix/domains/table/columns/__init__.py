"""Define the kinds of table columns, and how values of each are encoded as elements of a row's vector."""
