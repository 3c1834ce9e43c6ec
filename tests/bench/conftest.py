"""Make the scripts of bench/ importable as the package `bench`."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def root(monkeypatch) -> Path:
    """Put the root of the repository first on the import path, and return it."""
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    return ROOT
