"""Test that official data sets are found by name in the user's folders and are verified."""

import gzip
import hashlib
from pathlib import Path

import pytest

from contramix.datasets import official
from contramix.datasets.official import OFFICIAL, Official, find_data
from contramix.errors import InputError

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture
def known(monkeypatch):
    archive = ("a.tar.gz", f"md5:{hashlib.md5(b'archive').hexdigest()}")
    parts = (
        ("x-ubyte", f"sha256:{hashlib.sha256(b'x').hexdigest()}"),
        ("y-ubyte", f"sha256:{hashlib.sha256(b'y').hexdigest()}"),
    )
    monkeypatch.setitem(OFFICIAL, "one", Official("https://one.example", either=(("b.zip", "md5:0"), archive)))
    monkeypatch.setitem(OFFICIAL, "two-parts", Official("https://two.example", all_of=parts))


def test_a_path_stays_a_path(tmp_path):
    assert find_data(tmp_path / "nowhere.csv") == tmp_path / "nowhere.csv"


@pytest.mark.parametrize("folder", [".", "one"])
def test_an_archive_is_found_and_verified(known, tmp_path, folder):
    place = tmp_path / folder
    place.mkdir(exist_ok=True)
    (place / "a.tar.gz").write_bytes(b"archive")
    assert find_data(Path("one"), tmp_path) == place / "a.tar.gz"
    (place / "a.tar.gz").write_bytes(b"another")
    with pytest.raises(InputError, match=r"a\.tar\.gz: not the official file \(md5"):
        find_data(Path("one"), tmp_path)


def test_files_that_belong_together_however_they_are_packed(known, tmp_path, monkeypatch):
    monkeypatch.setenv(official.DATA_DIR, str(tmp_path))
    place = tmp_path / "two_parts"
    place.mkdir()
    (place / "x-ubyte.gz").write_bytes(gzip.compress(b"x", mtime=0))
    with pytest.raises(InputError, match=r"there is no x-ubyte\.gz, y-ubyte\.gz in .*https://two\.example"):
        find_data(Path("two-parts"))
    (place / "y-ubyte").write_bytes(b"y")
    assert find_data(Path("two-parts")) == place
    (place / "x-ubyte.gz").write_bytes(gzip.compress(b"x", mtime=0)[:-4])
    with pytest.raises(InputError, match="cannot be read"):
        find_data(Path("two-parts"))


def test_without_a_folder_it_says_what_is_needed(known, monkeypatch):
    monkeypatch.delenv(official.DATA_DIR, raising=False)
    with pytest.raises(
        InputError, match=r"one: say where b\.zip or a\.tar\.gz lies: `data_dir=DIR`, or CONTRAMIX_DATA"
    ):
        find_data(Path("one"))


def test_what_lies_at_the_path_comes_first(known, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("one").mkdir()
    assert find_data(Path("one")) == Path("one")


def test_fashion_mnist_is_the_official_one():
    if not (SHARED / "fashion_mnist").exists():
        pytest.skip("needs fashion_mnist in a folder shared/data beside the repository")
    assert find_data(Path("fashion-mnist"), SHARED) == SHARED / "fashion_mnist"


def test_checksums_are_of_a_known_kind_and_length():
    for one in OFFICIAL.values():
        for name, checksum in (*one.either, *one.all_of):
            kind, value = checksum.split(":")
            assert name
            assert len(value) == {"md5": 32, "sha256": 64}[kind]
