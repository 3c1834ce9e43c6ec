"""Provide the paths of the data sets that ship with the package."""

from pathlib import Path

COVTYPE = Path(__file__).parent / "covtype"
"""Folder of Forest CoverType: ``train.parquet`` (the official 15,120 rows) and ``test.parquet`` (20,000 others)."""
