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


def test_a_report_is_judged_seed_by_seed(write_results):
    def row(name, *each):
        return {"name": name, "probe": "linear", "each": each, "mean": sum(each) / len(each), "spread": 0.0}

    def verdict(above, below):
        report = {"rows": [row("a", *above), row("b", *below)], "parity": []}
        assert write_results.ledger._gain(report, "parity", "a", "b") == ("-", "not run")
        return write_results.ledger._gain(report, "rows", "a", "b")

    assert verdict([0.5, 0.6, 0.7], [0.4, 0.49, 0.61]) == ("+10.0 (+7.5 to +12.5), from 50.0 to 60.0", "holds")
    assert verdict([0.5, 0.9], [0.4, 0.1])[1] == "holds in direction"
    assert verdict([0.5, 0.1], [0.4, 0.9])[1] == "does not hold"
    assert verdict([0.4, 0.49, 0.61], [0.5, 0.6, 0.7])[1] == "does not hold: the reverse does"
    assert verdict([0.5], [0.4]) == ("+10.0, from 40.0 to 50.0, one seed", "holds in direction")
    assert verdict([0.4], [0.4])[1] == "does not hold"
