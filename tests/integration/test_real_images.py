"""Test that real image data sets have their official splits and the published pixels."""

import gzip
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest

from contramix.domains import DOMAINS
from contramix.domains.image.settings import ImageSettings
from contramix.io.options import ReadOptions

DATA = Path(__file__).parents[3] / "shared" / "data"
AUTO = ImageSettings()


def need(name):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"needs {name} in a folder shared/data beside the repository")
    return path


def test_fashion_mnist():
    folder = need("fashion_mnist")
    assert DOMAINS["image"].recognizes(folder)
    reading = DOMAINS["image"].read(folder, ReadOptions(), AUTO)
    assert (reading.training.num_rows, reading.test.num_rows) == (60_000, 10_000)
    assert (reading.splits, reading.target, reading.bad_files) == (("train", "test"), "label", ())
    labels = np.frombuffer(gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)
    assert reading.test.column("label").to_numpy().tolist() == labels.tolist()
    assert np.bincount(reading.training.column("label").to_numpy()).tolist() == [6000] * 10
    spec, _ = DOMAINS["image"].spec.learn(reading.training, AUTO, "label")
    # As published with the data's many uses: 0.2860 and 0.3530.
    assert spec.mean == pytest.approx([0.2860], abs=5e-5)
    assert spec.std == pytest.approx([0.3530], abs=5e-5)


def test_cifar_as_jpeg_in_the_one_archive_of_a_folder(tmp_path):
    path = need("cifar10")
    # Every 20th of the 60,000 images in a smaller archive: to decode all of them takes half a minute.
    name = "cifar10_jpeg_60000.tar.gz"
    with tarfile.open(path / name) as whole, tarfile.open(tmp_path / name, "w:gz", compresslevel=1) as part:
        images = 0
        for member in whole:
            images += member.name.endswith(".jpg")
            if images % 20 == 1 or not member.name.endswith(".jpg"):
                part.addfile(member, whole.extractfile(member) if member.isfile() else None)
    assert images == 60_000
    shutil.copy(path / "cifar10_lossless_train_first4000.npz", tmp_path)
    assert DOMAINS["image"].recognizes(tmp_path)
    assert DOMAINS["image"].recognizes(tmp_path / "cifar10_jpeg_60000.tar.gz")
    reading = DOMAINS["image"].read(tmp_path, ReadOptions(), AUTO)
    assert reading.table.num_rows == 3000
    assert 400 < reading.test.num_rows < 600
    assert reading.bad_files == ()
    assert reading.notes == (
        "read cifar10_jpeg_60000.tar.gz; left out in the same folder: cifar10_lossless_train_first4000.npz",
    )
    labels = reading.training.column("label").to_numpy()
    assert len(np.unique(labels)) == 10
    files = reading.table.column("file").to_pylist()
    assert files == sorted(files)
    spec, _ = DOMAINS["image"].spec.learn(reading.training, AUTO, "label")
    # The means of the exact pixels, as published; those of some of the JPEGs are near.
    assert spec.mean == pytest.approx([0.4914, 0.4822, 0.4465], abs=1e-2)
    assert spec.size == (3, 32, 32)


def test_exact_pixels_beside_their_jpegs():
    exact = DOMAINS["image"].read(need("cifar10/cifar10_lossless_train_first4000.npz"), ReadOptions(), AUTO)
    assert exact.table.num_rows == 4000
    stored = np.load(DATA / "cifar10/cifar10_lossless_train_first4000.npz", allow_pickle=False)
    pixels = exact.table.column("image").combine_chunks().to_numpy_ndarray()
    np.testing.assert_array_equal(pixels, stored["images"].transpose(0, 3, 1, 2))
    assert exact.table.column("label").to_pylist() == stored["classes"][stored["labels"]].tolist()
