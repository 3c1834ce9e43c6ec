"""Pre-train, embed and evaluate on real tables from the command line."""

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from contramix.cli import main
from contramix.models.pretrained import Pretrained

DATA = Path(__file__).parents[3] / "shared" / "data"


def need(name):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"needs {name} in a folder shared/data beside the repository")
    return path


def thin(path, every, out):
    """The first line and every so manyth."""
    with gzip.open(path, "rt") as file:
        out.write_text("".join(line for n, line in enumerate(file) if n % every == 0))
    return out


def contramix(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main([*map(str, arguments), "--json"])
    shown = capsys.readouterr()
    assert end.value.code == 0, shown.err
    return json.loads(shown.out), shown.err


FAST = ("--probes", "linear,knn", "--baselines", "raw,untrained,boosting", "--draws", "5")


def test_adult_has_no_header_missing_values_and_an_unseen_category(tmp_path, capsys):
    train = thin(need("adult/adult.data.csv.gz"), 10, tmp_path / "train.csv")
    test = thin(need("adult/adult.test.csv.gz"), 16, tmp_path / "test.csv")
    # Test labels end in a point, as published; and a country that no training row has.
    rows = test.read_text().replace("K.\n", "K\n").replace("United-States", "Atlantis", 1)
    test.write_text(rows)
    run = tmp_path / "run"
    facts, notes = contramix(capsys, "pretrain", train, "--target", "column_15", "--out", run, "--epochs", 2)
    assert facts["columns"] == 14
    assert "no header found" in notes
    spec = Pretrained.load(run).spec
    kinds = {c.name: c.kind for c in spec.columns}
    assert list(kinds.values()).count("categorical") + list(kinds.values()).count("boolean") == 8
    assert list(kinds.values()).count("numeric") == 6
    missing = {c.name for c in spec.columns if c.missing}
    assert missing == {"column_2", "column_7", "column_14"}
    country = next(c for c in spec.columns if c.name == "column_14")
    assert "Atlantis" not in country.levels
    contramix(capsys, "embed", run, test, "--out", tmp_path / "z.parquet", "--keep", "column_15")
    table = pq.read_table(tmp_path / "z.parquet")
    assert table.num_rows == 1018
    assert table.column_names[:2] == ["column_15", "e0"]
    assert np.isfinite(table.column("e0").to_numpy()).all()
    report, _ = contramix(
        capsys,
        "evaluate",
        run,
        train,
        "--target",
        "column_15",
        "--test",
        test,
        "--seeds",
        1,
        "--labels-per-class",
        20,
        *FAST,
    )
    rows = {(r["name"], r["probe"], r["labels_per_class"]): r for r in report["rows"]}
    assert {name for name, _, _ in rows} == {"raw", "untrained", "boosting", "imix-npair"}
    assert rows["raw", "linear", None]["mean"] > 0.8
    assert rows["imix-npair", "linear", None]["mean"] > 0.75
    assert report["verdict"]["outcome"] in ("helped", "no difference", "hurt")


def test_bank_marketing_is_separated_by_semicolons(tmp_path, capsys):
    train = thin(need("bank_marketing/bank-full.csv.gz"), 15, tmp_path / "bank.csv")
    run = tmp_path / "run"
    facts, notes = contramix(
        capsys, "pretrain", train, "--target", "y", "--out", run, "--epochs", 2, "--recipe", "dacl-plus"
    )
    assert facts["rows"] == 3014
    assert facts["columns"] == 16
    assert "';'" in notes
    contramix(capsys, "embed", run, train, "--out", tmp_path / "z.npy")
    assert np.load(tmp_path / "z.npy").shape == (3014, 256)
    report, _ = contramix(
        capsys,
        "evaluate",
        run,
        train,
        "--target",
        "y",
        "--seeds",
        2,
        "--labels-per-class",
        "5,20",
        *FAST,
        "--metric",
        "accuracy",
    )
    rows = {(r["name"], r["probe"], r["labels_per_class"]): r for r in report["rows"]}
    assert rows["dacl-plus", "linear", 5]["n"] == 5
    assert rows["dacl-plus", "linear", None]["n"] == 2
    assert rows["boosting", "boosting", None]["mean"] > 0.87
    assert rows["dacl-plus", "linear", None]["mean"] > 0.85


def test_california_housing_is_a_regression_with_empty_cells(tmp_path, capsys):
    train = thin(need("california_housing/housing.csv.gz"), 7, tmp_path / "housing.csv")
    run = tmp_path / "run"
    contramix(capsys, "pretrain", train, "--target", "median_house_value", "--out", run, "--epochs", 5)
    bedrooms = next(c for c in Pretrained.load(run).spec.columns if c.name == "total_bedrooms")
    assert bedrooms.missing
    contramix(capsys, "embed", run, train, "--out", tmp_path / "z.csv", "--keep", "median_house_value")
    assert (tmp_path / "z.csv").read_text().count("\n") == 2949
    report, _ = contramix(capsys, "evaluate", run, train, "--target", "median_house_value", "--seeds", 2, *FAST)
    assert report["metric"] == "r2"
    assert {r["labels"] for r in report["rows"] if r["name"] == "raw" and r["probe"] == "linear"} == {None, 40}
    rows = {(r["name"], r["probe"]): r["mean"] for r in report["rows"] if r["labels"] is None}
    assert rows["raw", "linear"] > 0.5
    assert rows["imix-npair", "linear"] > 0.4
    assert rows["boosting", "boosting"] > 0.6


def test_covtype_files_and_the_shipped_rows_are_the_same(capsys):
    from contramix.datasets import COVTYPE
    from contramix.io.tables.reading import read

    source = read(need("covtype/covtype.train15120.data.gz")).table
    shipped = read(COVTYPE / "train.parquet").table
    assert source.rename_columns(shipped.column_names).equals(shipped)
