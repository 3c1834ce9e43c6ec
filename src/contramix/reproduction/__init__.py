"""Reproduce the tables of the papers: suites say what to run, what was published and which claims follow."""
