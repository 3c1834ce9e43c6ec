"""Test npy and npz files of images, whose arrays are found by name."""

import zipfile

import numpy as np
import pytest

from contramix.domains.image.reading import read
from contramix.domains.image.settings import ImageSettings
from contramix.errors import InputError
from contramix.io.options import ReadOptions

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (6, 12, 10, 3), np.uint8)
FIRST = IMAGES.transpose(0, 3, 1, 2)


def get(path):
    return read(path, ReadOptions(), ImageSettings())


def pixels(reading):
    return reading.table.column("image").combine_chunks().to_numpy_ndarray()


@pytest.mark.parametrize("images", ["images", "x", "X", "data"])
@pytest.mark.parametrize("labels", ["labels", "y", "label"])
def test_images_and_labels(tmp_path, images, labels):
    np.savez(tmp_path / "a.npz", **{images: IMAGES, labels: np.arange(6) % 2})
    reading = get(tmp_path / "a.npz")
    np.testing.assert_array_equal(pixels(reading), FIRST)
    assert reading.table.column("label").to_pylist() == [0, 1] * 3
    assert (reading.target, reading.splits, reading.notes) == ("label", (), ())


def test_class_names(tmp_path):
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=np.arange(6) % 2, classes=np.array(["cat", "dog"]))
    assert get(tmp_path / "a.npz").table.column("label").to_pylist() == ["cat", "dog"] * 3
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=np.array(list("abcabc")))
    assert get(tmp_path / "a.npz").table.column("label").to_pylist() == list("abcabc")


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("X_train", "Y_train", "X_test", "Y_test"),
    ],
)
def test_parts(tmp_path, names):
    labels = np.arange(6, dtype=np.uint8)[:, None] % 2  # Keras and MedMNIST have them as a column
    np.savez(tmp_path / "a.npz", **dict(zip(names, (IMAGES[:4], labels[:4], IMAGES[4:], labels[4:]))))
    reading = get(tmp_path / "a.npz")
    assert reading.splits == ("train", "test")
    assert reading.table.column("part").to_pylist() == ["train"] * 4 + ["test"] * 2
    assert reading.table.column("label").to_pylist() == [0, 1] * 3
    np.testing.assert_array_equal(pixels(reading), FIRST)


def test_a_validation_part(tmp_path):
    np.savez(tmp_path / "a.npz", test_images=IMAGES[:1], val_images=IMAGES[1:3], train_images=IMAGES[3:])
    reading = get(tmp_path / "a.npz")
    assert reading.splits == ("train", "valid", "test")
    assert reading.table.column("part").to_pylist() == ["train"] * 3 + ["valid"] * 2 + ["test"]


def test_an_npy_and_a_single_array_of_any_name(tmp_path):
    np.save(tmp_path / "a.npy", IMAGES)
    np.savez_compressed(tmp_path / "b.npz", whatever=IMAGES)
    for name in ("a.npy", "b.npz"):
        reading = get(tmp_path / name)
        np.testing.assert_array_equal(pixels(reading), FIRST)
        assert reading.target is None
    (tmp_path / "a.npy").unlink()
    assert get(tmp_path).table.num_rows == 6  # a folder that holds nothing else


def test_other_arrays_are_named(tmp_path):
    np.savez(tmp_path / "a.npz", images=IMAGES, boxes=np.zeros((6, 4)), labels=np.zeros((6, 3)))
    reading = get(tmp_path / "a.npz")
    assert reading.target is None
    assert "left out the arrays boxes" in reading.notes[0]
    assert "left out the labels, which are 2-D" in reading.notes[1]


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"a": IMAGES, "b": IMAGES}, r"no array of images: name one 'images'.*\(there are: a, b\)"),
        ({"images": IMAGES, "labels": np.arange(5)}, "5 entries of 'label' for 6 images"),
        ({"images": np.zeros((6, 4))}, r"6 x 4 is not a shape of images"),
        ({"images": np.zeros((6, 4, 4)) - 1}, "pixels from -1 to -1"),
        ({"images": np.array([[[None]]])}, "Python objects, which are never unpickled"),
    ],
)
def test_arrays_that_are_wrong(tmp_path, arrays, said):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(InputError, match=said) as caught:
        get(tmp_path / "a.npz")
    assert "a.npz" in str(caught.value)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 0.95])
@pytest.mark.parametrize("name", ["a.npz", "a.npy"])
def test_truncated_files(tmp_path, name, share):
    (np.save if name.endswith("npy") else np.savez)(tmp_path / name, IMAGES)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match="truncated or damaged"):
        get(tmp_path / name)


def test_a_header_that_claims_too_much_and_a_bomb(tmp_path):
    np.save(tmp_path / "a.npy", IMAGES)
    data = (tmp_path / "a.npy").read_bytes().replace(b"(6, 12, 10, 3)", b"(9999999,99,9)")
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(InputError, match="truncated or damaged"):
        get(tmp_path / "a.npy")
    with zipfile.ZipFile(tmp_path / "b.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(7):
            archive.writestr(f"{n}.npy", bytes(40 << 20))
    with pytest.raises(InputError, match="decompression bomb"):
        get(tmp_path / "b.npz")
