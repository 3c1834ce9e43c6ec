"""The pages of results say what the reports beside them say."""

import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parent.parent / "bench"


@pytest.fixture
def write_results(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(BENCH), *sys.path])
    import write_results

    return write_results


def test_no_page_is_stale(write_results):
    for path, text in write_results.pages().items():
        assert path.read_text() == text, f"{path.name} is stale: python bench/write_results.py"
