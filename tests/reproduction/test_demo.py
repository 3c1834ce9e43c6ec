"""Test the demo: its rows, its columns, and running it again."""

import json

import pytest

from contramix.cli import main
from contramix.datasets import COVTYPE
from contramix.io.records import Records
from contramix.io.tables.reading import read


def test_shipped_rows_are_the_official_ones():
    train, test = (read(COVTYPE / f"{part}.parquet").table for part in ("train", "test"))
    assert (train.num_rows, test.num_rows) == (15_120, 20_000)
    assert train.num_columns == 55
    counts = train.column("cover_type").value_counts()
    assert {c["counts"].as_py() for c in counts} == {2160}
    assert "Jock A. Blackard and Colorado State University" in (COVTYPE / "NOTICE").read_text()


def test_demo_compares_all_rows_at_equal_epochs(tmp_path, capsys, monkeypatch):
    from contramix.reproduction import demo

    # A few of the rows, and a small network: the whole demo is for `make demo`.
    def fewer(path, options=None, real=demo.read):
        table = real(path).table
        return Records(table.take(list(range(0, table.num_rows, 100))))

    monkeypatch.setattr(demo, "read", fewer)
    monkeypatch.setattr("contramix.io.tables.reading.read", fewer)  # of the map in the report
    monkeypatch.setattr(demo, "BATCH", 64)
    monkeypatch.setattr(demo, "WIDTH", 32)
    monkeypatch.setattr(demo, "DRAWS", 2)
    for _ in range(2):  # the second time nothing is trained again
        with pytest.raises(SystemExit) as end:
            main(["demo", "--out", str(tmp_path / "demo"), "--epochs", "1", "--json"])
        assert end.value.code == 0
        report = json.loads(capsys.readouterr().out)
        names = dict.fromkeys(r["name"] for r in report["rows"])
        assert list(names) == ["raw", "untrained", "trees", "gaussian", "dacl", "dacl-plus", "npair", "imix-npair"]
        cells = {(r["name"], r["probe"], r["labels_per_class"]) for r in report["rows"]}
        assert {("raw", "linear", None), ("raw", "knn", None), ("raw", "linear", 20), ("trees", "trees", 20)} <= cells
        assert all(r["n"] == 2 and r["spread"] is not None for r in report["rows"] if r["labels_per_class"])
        assert report["verdict"]["against"] in ("raw", "untrained")
    finished = [json.loads((p / "config.json").read_text())["epochs"] for p in (tmp_path / "demo").glob("*/seed0")]
    assert finished == [1] * 5
    assert (tmp_path / "demo" / "report.json").exists()
