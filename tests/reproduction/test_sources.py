"""Test that the data sets of suites are found and loaded."""

from pathlib import Path

import pyarrow as pa
import pytest

from contramix.datasets.official import OFFICIAL
from contramix.errors import InputError
from contramix.recipe import Recipe
from contramix.reproduction.sources import SOURCES, find, load, sample_rows

TABLE = Recipe.load("npair")


def test_a_table_without_parts_gives_every_fifth_row_to_the_test(tmp_path):
    folder = tmp_path / "bank_marketing"
    folder.mkdir()
    (folder / "bank-full.csv").write_text("age;y\n" + "".join(f"{n};{'yes' if n % 2 else 'no'}\n" for n in range(12)))
    with pytest.raises(InputError, match=r"12 records, but the official files have 45,211; .*`data=bank=PATH`"):
        load("bank", find("bank", tmp_path), TABLE)
    loaded = load("bank", find("bank", tmp_path), TABLE, as_is=True)
    assert loaded.test.column("age").to_pylist() == [4, 9]
    assert loaded.train.num_rows == 10


def test_files_are_found_packed_or_not(tmp_path):
    for name in ("bank-full.csv.gz", "HIGGS.csv", "MUTAG.zip"):
        (tmp_path / name).touch()
    assert find("bank", tmp_path) == [tmp_path / "bank-full.csv.gz"]
    assert find("higgs-1m", tmp_path) == [tmp_path / "HIGGS.csv"]
    assert find("MUTAG", tmp_path) == [tmp_path / "MUTAG.zip"]


def test_a_column_to_predict_that_is_not_there_is_named(tmp_path):
    (tmp_path / "bank-full.csv").write_text("age;day\n" + "".join(f"{n};{n % 3}\n" for n in range(12)))
    with pytest.raises(InputError, match=r"bank: .*bank-full.csv: no column 'y'; did you mean 'day'"):
        load("bank", find("bank", tmp_path), TABLE)


def test_files_that_are_not_there_are_named(tmp_path):
    with pytest.raises(InputError, match=r"adult: needs adult.data, adult.test from .*uci.*; give `data_dir=DIR`"):
        find("adult", None)
    with pytest.raises(InputError, match=r"it is not in .*`data=adult=PATH`"):
        find("adult", tmp_path)
    with pytest.raises(InputError, match=r"`data=adult=.*: there is no such file"):
        find("adult", None, tmp_path / "none")
    with pytest.raises(InputError, match="say where cifar-10"):
        find("cifar10", None)
    (tmp_path / "adult.data").touch()
    for given in (tmp_path, tmp_path / "adult.data"):
        with pytest.raises(InputError, match=r"`data=adult=.*: give a folder with adult.data and adult.test"):
            find("adult", None, given)
    (tmp_path / "adult.test.gz").touch()
    assert find("adult", None, tmp_path) == [tmp_path / "adult.data", tmp_path / "adult.test.gz"]
    assert find("MUTAG", None, tmp_path) == [tmp_path]


def test_rows_are_drawn_once_and_stay_in_order():
    table = pa.table({"n": range(50)})
    some = sample_rows(table, 20).column("n").to_pylist()
    assert some == sorted(set(some)) == sample_rows(table, 20).column("n").to_pylist()
    assert len(some) == 20
    assert sample_rows(table, 50) is sample_rows(table, None) is table


def test_the_page_names_all_data_and_their_files():
    page = (Path(__file__).parents[2] / "docs" / "reproducing.md").read_text()
    for name, source in SOURCES.items():
        assert f"`{name}`" in page
        if source.files[0] not in OFFICIAL and source.domain != "graph":
            assert all(f"`{file}`" in page for file in source.files)
