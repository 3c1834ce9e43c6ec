"""Test that small files in the official layouts are split as published."""

import gzip

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from contramix.domains import DOMAINS
from contramix.errors import InputError
from contramix.recipe import Recipe
from contramix.reproduction import splits
from contramix.reproduction.sources import SOURCES, find, load

TABLE = Recipe.load("npair")


def test_adult_has_two_official_files(tmp_path):
    row = "39, State-gov, 77516, Bachelors, 13, Never-married, Adm-clerical, ?, White, Male, 2174, 0, 40, Cuba, <=50K"
    for part, end, first in (("data", "", ""), ("test", ".", "|1x3 Cross validator\n")):
        (tmp_path / f"adult.{part}").write_text(f"{first}{row}{end}\n{row.replace('<=', '>')}{end}\n")
    loaded = load("adult", find("adult", tmp_path), TABLE, as_is=True)
    assert loaded.train.column("income").to_pylist() == loaded.test.column("income").to_pylist() == ["<=50K", ">50K"]
    assert loaded.train.column("relationship").null_count == 2
    assert loaded.train.column("age").to_pylist() == [39, 39]


def test_covtype_ships_in_part_and_is_cut_where_uci_cuts_it(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"covtype: needs covtype.data.gz"):
        find("covtype", None)
    loaded = SOURCES["covtype"].shipped()
    assert (loaded.train.num_rows, loaded.test.num_rows) == (15_120, 20_000)
    with gzip.open(tmp_path / "covtype.data.gz", "wt") as file:
        file.writelines(",".join(map(str, [n, *range(53), n % 7 + 1])) + "\n" for n in range(30))
    with pytest.raises(InputError, match="30 x 55, not UCI's 581012 x 55"):
        load("covtype", find("covtype", tmp_path), TABLE)
    monkeypatch.setattr(splits, "COVTYPE_ROWS", 30)
    monkeypatch.setattr(splits, "COVTYPE_TRAINING", 20)
    loaded = load("covtype", find("covtype", tmp_path), TABLE)
    assert loaded.train.column(0).to_pylist() == list(range(20))
    assert loaded.test.column(0).to_pylist() == list(range(20, 30))
    assert loaded.target == "cover_type"


def test_rows_of_kaggles_credit_file_are_numbered(tmp_path):
    header = "ID,LIMIT_BAL,default.payment.next.month"
    (tmp_path / "UCI_Credit_Card.csv").write_text("\n".join([header, *(f"{n},{n * 10},{n % 2}" for n in range(10))]))
    loaded = load("credit", find("credit", tmp_path), TABLE, as_is=True)
    assert loaded.train.column_names == loaded.test.column_names == ["LIMIT_BAL", "default.payment.next.month"]


def test_imagenets_validation_part_is_the_test_part(tmp_path):
    for number in range(8):
        part = "val" if number % 4 == 3 else "train"
        place = tmp_path / "ILSVRC2012" / part / f"n{number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((40, 40, 3), number, np.uint8)).save(place / f"{number}.png")
    loaded = load("imagenet", find("imagenet", tmp_path), Recipe.load("imix-imagenet-moco", domain="image"))
    assert (loaded.train.num_rows, loaded.test.num_rows) == (6, 2)


def test_a_tenth_of_imagenets_classes_is_every_tenth(tmp_path):
    for part in ("train", "val"):
        for name in "abcdefghijklm":
            place = tmp_path / "ILSVRC2012" / part / name
            place.mkdir(parents=True)
            Image.fromarray(np.full((40, 40, 3), ord(name), np.uint8)).save(place / "1.png")
    recipe = Recipe.load("imix-imagenet-moco", domain="image")
    loaded = load("imagenet-tenth", find("imagenet-tenth", tmp_path), recipe)
    assert loaded.train["label"].to_pylist() == loaded.test["label"].to_pylist() == ["a", "k"]


def test_higgs_draws_training_rows_before_the_last_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(splits, "HIGGS_TEST", 5)
    with gzip.open(tmp_path / "HIGGS.csv.gz", "wt") as file:
        file.writelines(",".join(map(str, [n % 2, *np.full(28, n / 4)])) + "\n" for n in range(40))
    loaded = splits.higgs(10, find("higgs-100k", tmp_path), TABLE)
    wanted = np.sort(np.random.RandomState(1).choice(35, 10, replace=False))
    assert loaded.train.column("x1").to_pylist() == (wanted / 4).tolist()
    assert loaded.test.column("x28").to_pylist() == (np.arange(35, 40) / 4).tolist()
    with pytest.raises(InputError, match="40 rows, but UCI's file has 11,000,000"):
        load("higgs-1m", find("higgs-1m", tmp_path), TABLE)


def test_pixels_are_permuted_alike():
    images = np.random.default_rng(0).integers(0, 256, (5, 4, 4), dtype=np.uint8)
    table = DOMAINS["image"].from_values(images, Recipe.load("npair", domain="image").data).table
    table = table.append_column("label", pa.array(list("abcab")))
    pixels = splits.as_pixels(table)
    values = np.stack([pixels.column(n).to_numpy() for n in range(16)], 1)
    assert pixels.column("label").to_pylist() == list("abcab")
    order = np.random.default_rng(0).permutation(16)
    assert np.allclose(values, images.reshape(5, 16)[:, order] / 255)
    assert order.tolist() != list(range(16))
