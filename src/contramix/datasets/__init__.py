"""Locate the data that ship with the package."""

from pathlib import Path

COVTYPE = Path(__file__).parent / "covtype"
"""Forest CoverType: ``train.parquet`` (the official 15,120 rows) and ``test.parquet`` (20,000 others); see NOTICE."""
