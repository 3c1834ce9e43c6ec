"""The papers' tables as suites: what to run, what was published, and what came out."""
