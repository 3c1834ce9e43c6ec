"""Data sets of the suites, from small files in their official layouts."""

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from contramix.datasets.official import OFFICIAL
from contramix.domains import DOMAINS
from contramix.errors import InputError
from contramix.recipe import Recipe
from contramix.reproduction import sources
from contramix.reproduction.sources import SOURCES, as_pixels, drawn, find, load

TABLE = Recipe.load("npair")


def test_adult_has_two_official_files(tmp_path):
    row = "39, State-gov, 77516, Bachelors, 13, Never-married, Adm-clerical, ?, White, Male, 2174, 0, 40, Cuba, <=50K"
    for part, end, first in (("data", "", ""), ("test", ".", "|1x3 Cross validator\n")):
        (tmp_path / f"adult.{part}").write_text(f"{first}{row}{end}\n{row.replace('<=', '>')}{end}\n")
    parts = load("adult", find("adult", tmp_path), TABLE, as_is=True)
    assert parts.train.column("income").to_pylist() == parts.test.column("income").to_pylist() == ["<=50K", ">50K"]
    assert parts.train.column("relationship").null_count == 2
    assert parts.train.column("age").to_pylist() == [39, 39]


def test_a_table_without_parts_gives_every_fifth_row_to_the_test(tmp_path):
    folder = tmp_path / "bank_marketing"
    folder.mkdir()
    (folder / "bank-full.csv").write_text("age;y\n" + "".join(f"{n};{'yes' if n % 2 else 'no'}\n" for n in range(12)))
    with pytest.raises(InputError, match=r"12 records, and 45,211 are published; .*`data=bank=PATH`"):
        load("bank", find("bank", tmp_path), TABLE)
    parts = load("bank", find("bank", tmp_path), TABLE, as_is=True)
    assert parts.test.column("age").to_pylist() == [4, 9]
    assert parts.train.num_rows == 10


def test_files_are_found_packed_or_not(tmp_path):
    for name in ("bank-full.csv.gz", "HIGGS.csv", "MUTAG.zip"):
        (tmp_path / name).touch()
    assert find("bank", tmp_path) == [tmp_path / "bank-full.csv.gz"]
    assert find("higgs-1m", tmp_path) == [tmp_path / "HIGGS.csv"]
    assert find("MUTAG", tmp_path) == [tmp_path / "MUTAG.zip"]


def test_covtype_ships_in_part_and_is_cut_where_uci_cuts_it(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"covtype: needs covtype.data.gz"):
        find("covtype", None)
    parts = SOURCES["covtype"].ships()
    assert (parts.train.num_rows, parts.test.num_rows) == (15_120, 20_000)
    with gzip.open(tmp_path / "covtype.data.gz", "wt") as file:
        file.writelines(",".join(map(str, [n, *range(53), n % 7 + 1])) + "\n" for n in range(30))
    with pytest.raises(InputError, match="30 x 55, not UCI's 581012 x 55"):
        load("covtype", find("covtype", tmp_path), TABLE)
    monkeypatch.setattr(sources, "COVTYPE_ROWS", 30)
    monkeypatch.setattr(sources, "COVTYPE_TRAINING", 20)
    parts = load("covtype", find("covtype", tmp_path), TABLE)
    assert parts.train.column(0).to_pylist() == list(range(20))
    assert parts.test.column(0).to_pylist() == list(range(20, 30))
    assert parts.target == "cover_type"


def test_rows_of_kaggles_credit_file_are_numbered(tmp_path):
    header = "ID,LIMIT_BAL,default.payment.next.month"
    (tmp_path / "UCI_Credit_Card.csv").write_text("\n".join([header, *(f"{n},{n * 10},{n % 2}" for n in range(10))]))
    parts = load("credit", find("credit", tmp_path), TABLE, as_is=True)
    assert parts.train.column_names == parts.test.column_names == ["LIMIT_BAL", "default.payment.next.month"]


def test_a_column_to_predict_that_is_not_there_is_named(tmp_path):
    (tmp_path / "bank-full.csv").write_text("age;day\n" + "".join(f"{n};{n % 3}\n" for n in range(12)))
    with pytest.raises(InputError, match=r"bank: .*bank-full.csv: no column 'y'; did you mean 'day'"):
        load("bank", find("bank", tmp_path), TABLE)


def test_imagenets_validation_part_is_the_test_part(tmp_path):
    for number in range(8):
        part = "val" if number % 4 == 3 else "train"
        place = tmp_path / "ILSVRC2012" / part / f"n{number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((40, 40, 3), number, np.uint8)).save(place / f"{number}.png")
    parts = load("imagenet", find("imagenet", tmp_path), Recipe.load("imix-imagenet-moco", domain="image"))
    assert (parts.train.num_rows, parts.test.num_rows) == (6, 2)


def test_a_tenth_of_imagenets_classes_is_every_tenth(tmp_path):
    for part in ("train", "val"):
        for name in "abcdefghijklm":
            place = tmp_path / "ILSVRC2012" / part / name
            place.mkdir(parents=True)
            Image.fromarray(np.full((40, 40, 3), ord(name), np.uint8)).save(place / "1.png")
    recipe = Recipe.load("imix-imagenet-moco", domain="image")
    parts = load("imagenet-tenth", find("imagenet-tenth", tmp_path), recipe)
    assert parts.train["label"].to_pylist() == parts.test["label"].to_pylist() == ["a", "k"]


def test_higgs_draws_training_rows_before_the_last_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "HIGGS_TEST", 5)
    with gzip.open(tmp_path / "HIGGS.csv.gz", "wt") as file:
        file.writelines(",".join(map(str, [n % 2, *np.full(28, n / 4)])) + "\n" for n in range(40))
    parts = sources._higgs(10, find("higgs-100k", tmp_path), TABLE)
    wanted = np.sort(np.random.RandomState(1).choice(35, 10, replace=False))
    assert parts.train.column("x1").to_pylist() == (wanted / 4).tolist()
    assert parts.test.column("x28").to_pylist() == (np.arange(35, 40) / 4).tolist()
    with pytest.raises(InputError, match="40 rows, and UCI's file has 11,000,000"):
        load("higgs-1m", find("higgs-1m", tmp_path), TABLE)


def test_pixels_are_permuted_alike():
    images = np.random.default_rng(0).integers(0, 256, (5, 4, 4), dtype=np.uint8)
    table = DOMAINS["image"].from_values(images, Recipe.load("npair", domain="image").data).table
    table = table.append_column("label", pa.array(list("abcab")))
    pixels = as_pixels(table)
    values = np.stack([pixels.column(n).to_numpy() for n in range(16)], 1)
    assert pixels.column("label").to_pylist() == list("abcab")
    order = np.random.default_rng(0).permutation(16)
    assert np.allclose(values, images.reshape(5, 16)[:, order] / 255)
    assert order.tolist() != list(range(16))


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


@pytest.mark.parametrize("name", SOURCES)
def test_stand_ins_have_parts_and_labels(name):
    if name == "covtype":
        pytest.skip("its stand-in are the rows that ship")
    parts = SOURCES[name].stand_in()
    for table in [parts.train] if parts.test is None else [parts.train, parts.test]:
        assert table.num_rows >= 60
        assert len(set(table.column(parts.target).to_pylist())) >= 3
    if SOURCES[name].domain == "table":
        assert parts.train.schema == parts.test.schema


def test_rows_are_drawn_once_and_stay_in_order():
    table = pa.table({"n": range(50)})
    some = drawn(table, 20).column("n").to_pylist()
    assert some == sorted(set(some)) == drawn(table, 20).column("n").to_pylist()
    assert len(some) == 20
    assert drawn(table, 50) is drawn(table, None) is table


def test_the_page_names_all_data_and_their_files():
    page = (Path(__file__).parents[2] / "docs" / "reproducing.md").read_text()
    for name, source in SOURCES.items():
        assert f"`{name}`" in page
        if source.files[0] not in OFFICIAL and source.domain != "graph":
            assert all(f"`{file}`" in page for file in source.files)
