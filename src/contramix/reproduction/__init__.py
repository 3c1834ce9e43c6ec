"""Reproduce the tables of the i-Mix and DACL papers from suites: TOML files of runs, published numbers and claims."""
