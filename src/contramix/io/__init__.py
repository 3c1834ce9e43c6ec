"""Read files as Arrow tables of records. Nothing in this package depends on domains or on learning."""
