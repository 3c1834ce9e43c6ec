"""Compare IDX files with arrays written by hand."""

import gzip

import numpy as np
import pytest

from contramix.domains.image.formats.idx import parse
from contramix.domains.image.reading import read
from contramix.domains.image.settings import ImageSettings
from contramix.errors import InputError
from contramix.io.options import ReadOptions

RNG = np.random.default_rng(0)
IMAGES = {"train": RNG.integers(0, 256, (7, 12, 10), np.uint8), "t10k": RNG.integers(0, 256, (3, 12, 10), np.uint8)}
LABELS = {"train": np.array([5, 0, 4, 1, 9, 2, 1], np.uint8), "t10k": np.array([7, 2, 1], np.uint8)}


def idx(array):
    head = bytes([0, 0, 8, array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape)
    return head + array.tobytes()


def write(folder, packed):
    for part in IMAGES:
        for what, axes, arrays in (("images", 3, IMAGES), ("labels", 1, LABELS)):
            data = idx(arrays[part])
            name = f"{part}-{what}-idx{axes}-ubyte"
            (folder / (name + ".gz" * packed)).write_bytes(gzip.compress(data) if packed else data)
    return folder


def get(path, **settings):
    return read(path, ReadOptions(), ImageSettings(**settings))


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_has_parts_and_labels(tmp_path, packed):
    (tmp_path / "copyright").write_text("free")
    reading = get(write(tmp_path, packed))
    assert (reading.splits, reading.target, reading.bad_files) == (("train", "test"), "label", ())
    pixels = reading.table.column("image").combine_chunks().to_numpy_ndarray()
    np.testing.assert_array_equal(pixels[:, 0], np.concatenate([IMAGES["train"], IMAGES["t10k"]]))
    assert reading.table.column("label").to_pylist() == [5, 0, 4, 1, 9, 2, 1, 7, 2, 1]
    assert reading.table.column("part").to_pylist() == ["train"] * 7 + ["test"] * 3
    assert reading.table.column("file").to_pylist() == [f"row {n}" for n in range(1, 11)]
    assert reading.training.num_rows == 7
    assert reading.test.num_rows == 3


def test_one_file_finds_its_labels(tmp_path):
    write(tmp_path, True)
    reading = get(tmp_path / "t10k-images-idx3-ubyte.gz")
    assert (reading.splits, reading.table.num_rows) == ((), 3)
    assert reading.table.column("label").to_pylist() == [7, 2, 1]
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    reading = get(tmp_path / "t10k-images-idx3-ubyte.gz")
    assert reading.target is None
    assert reading.table.column_names == ["image", "file"]


def test_names_with_a_point(tmp_path):
    (tmp_path / "train-images.idx3-ubyte").write_bytes(idx(IMAGES["train"]))
    (tmp_path / "train-labels.idx1-ubyte").write_bytes(idx(LABELS["train"]))
    assert get(tmp_path).table.column("label").to_pylist() == LABELS["train"].tolist()


def test_labels_alone(tmp_path):
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(LABELS["train"]))
    with pytest.raises(InputError, match="labels without their images"):
        get(tmp_path)


def test_two_sets_in_a_folder(tmp_path):
    for name in ("letters-train", "digits-train"):
        (tmp_path / f"{name}-images-idx3-ubyte").write_bytes(idx(IMAGES["train"]))
    with pytest.raises(InputError, match="several sets of images"):
        get(tmp_path)


def test_other_numbers_of_labels(tmp_path):
    write(tmp_path, False)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(LABELS["t10k"]))
    with pytest.raises(InputError, match="3 entries of 'label' for 7 images"):
        get(tmp_path)


def test_settings_hold(tmp_path):
    shape = get(write(tmp_path, True), size=16, channels=3).table.column("image").type.shape
    assert shape == [3, 16, 16]


GOOD = idx(IMAGES["train"])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"text, not idx", "does not begin with two zero bytes"),
        (b"", "does not begin with two zero bytes"),
        (b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "IDX of type 0x0d"),
        (GOOD[:-1], "truncated: 839 of 840 bytes"),
        (GOOD[:9], "truncated in its header"),
        (gzip.compress(GOOD, mtime=0)[:-40], r"truncated|damaged"),
        (gzip.compress(GOOD, mtime=0)[:30] + b"x" * 500, r"truncated|damaged"),
        (gzip.compress(b"\0\0\x08\x03" + b"\x7f\xff\xff\xff" * 3 + bytes(1000), mtime=0), "decompression bomb"),
        (b"\0\0\x08\x03" + b"\x7f\xff\xff\xff" * 3, "decompression bomb"),
    ],
)
def test_damaged_files(data, said):
    with pytest.raises(InputError, match=said) as caught:
        parse(data, "f-idx3-ubyte")
    assert "f-idx3-ubyte" in str(caught.value)


def test_an_empty_file(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").touch()
    with pytest.raises(InputError, match="train-images-idx3-ubyte: 0 bytes"):
        get(tmp_path)
