"""Test reading folders, archives and tables of images: rows, labels, splits and omitted files."""

import io
import json
import sys
import tarfile
import threading
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from contramix.domains import DOMAINS
from contramix.domains.image.reading import read
from contramix.domains.image.settings import ImageSettings
from contramix.domains.image.spec import ImageSpec
from contramix.errors import InputError
from contramix.io.options import ReadOptions
from contramix.io.records import BadFile

RNG = np.random.default_rng(0)
OPTIONS, AUTO = ReadOptions(), ImageSettings()


def picture(side=12, channels=3):
    return RNG.integers(0, 256, (side, side, 3) if channels == 3 else (side, side), np.uint8)


def png(array):
    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG")
    return out.getvalue()


def write(folder, files):
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def pixels(reading):
    return reading.table.column("image").combine_chunks().to_numpy_ndarray().copy()


PICTURES = {
    f"{part}/{name}/{n}.png": picture() for part in ("test", "train") for name in ("cat", "dog") for n in range(3)
}
FILES = {name: png(array) for name, array in PICTURES.items()}


def check(reading, names=tuple(PICTURES)):
    np.testing.assert_array_equal(pixels(reading), np.stack([PICTURES[n] for n in names]).transpose(0, 3, 1, 2))
    assert reading.table.column("file").to_pylist() == list(names)
    assert reading.table.column("label").to_pylist() == [name.split("/")[1] for name in names]
    assert reading.table.column("part").to_pylist() == [name.split("/")[0] for name in names]
    assert (reading.splits, reading.target, reading.bad_files) == (("train", "test"), "label", ())


def test_a_folder_of_parts_and_classes(tmp_path):
    check(read(write(tmp_path, FILES), OPTIONS, AUTO))


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_archives(tmp_path, kind):
    write(tmp_path / "in", FILES)
    path = tmp_path / f"a.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name in FILES:
                archive.write(tmp_path / "in" / name, name)
    else:
        with tarfile.open(path, "w:gz" if kind.endswith("gz") else "w:") as archive:
            archive.add(tmp_path / "in", ".")
    check(read(path, OPTIONS, AUTO))
    streamed = read(path, OPTIONS, AUTO, in_memory_bytes=0)
    spec, _ = ImageSpec.learn(streamed.training, AUTO, "label")
    x = spec.tensorize(streamed.table)
    assert torch.equal(x[:], torch.from_numpy(pixels(read(path, OPTIONS, AUTO))))


def test_a_flat_folder_has_no_labels(tmp_path):
    reading = read(write(tmp_path, {f"{n}.png": png(picture()) for n in range(3)}), OPTIONS, AUTO)
    assert reading.table.column_names == ["image", "file"]
    assert (reading.target, reading.splits) == (None, ())


def test_one_picture(tmp_path):
    assert read(write(tmp_path, {"a.png": png(picture())}) / "a.png", OPTIONS, AUTO).table.num_rows == 1


def test_grey_folders_are_grey_and_mixed_ones_are_not(tmp_path):
    write(tmp_path / "grey", {f"{n}.png": png(picture(12, 1)) for n in range(3)})
    write(tmp_path / "mixed", {"a.png": png(picture(12, 1)), "b.png": png(picture(12, 3))})
    assert pixels(read(tmp_path / "grey", OPTIONS, AUTO)).shape == (3, 1, 12, 12)
    reading = read(tmp_path / "mixed", OPTIONS, AUTO)
    assert pixels(reading).shape == (2, 3, 12, 12)
    assert "1 of 2 images are grayscale" in reading.notes[0]
    assert pixels(read(tmp_path / "mixed", OPTIONS, ImageSettings(channels=1))).shape == (2, 1, 12, 12)


def test_sizes(tmp_path):
    write(tmp_path, {"a.png": png(picture(20)), "b.png": png(picture(30))})
    reading = read(tmp_path, OPTIONS, AUTO)
    assert pixels(reading).shape == (2, 3, 64, 64)
    assert "2 sizes are resized to 64 x 64" in reading.notes[0]
    reading = read(tmp_path, OPTIONS, ImageSettings(size=24))
    assert (pixels(reading).shape, reading.notes) == ((2, 3, 24, 24), ())
    spec, _ = ImageSpec.learn(reading.table, ImageSettings())
    write(tmp_path / "new", {"c.png": png(picture(77, 1))})
    assert pixels(read(tmp_path / "new", OPTIONS, AUTO, fitted_spec=spec)).shape == (1, 3, 24, 24)


BREAK = {
    "0 bytes": lambda good: b"",
    "truncated": lambda good: good[: len(good) * 2 // 3],
    "not an image: text": lambda good: b"hello",
    "not an image: begins like HTML": lambda good: b"<html></html>",
    "an SVG drawing, which is not read: save it as PNG": lambda good: b"<svg></svg>",
    "damaged (a checksum is wrong)": lambda good: good[:-14] + bytes([good[-14] ^ 1]) + good[-13:],
    "damaged PNG header": lambda good: good[:16] + bytes(4) + good[20:],
    "not an image: zeros": lambda good: bytes(100),
    "a Git LFS pointer, not the image: run 'git lfs pull'": lambda good: b"version https://git-lfs.github.com",
}


def test_seventeen_of_a_thousand_are_broken_in_ten_ways(tmp_path):
    arrays = [picture(8) for _ in range(1000)]
    broken = {(n * 57 + 3) % 1000: n % 10 for n in range(17)}
    reasons = [*BREAK, "a folder, not a file"]
    for n, array in enumerate(arrays):
        path = tmp_path / f"{n % 2}/{n:04}.png"
        path.parent.mkdir(exist_ok=True)
        way = broken.get(n)
        if way == 9:
            path.mkdir()
        else:
            path.write_bytes(png(array) if way is None else BREAK[reasons[way]](png(array)))
    good = sorted((n for n in range(1000) if n not in broken), key=lambda n: (n % 2, n))
    reading = read(tmp_path, OPTIONS, AUTO)
    assert reading.table.num_rows == 983
    np.testing.assert_array_equal(pixels(reading), np.stack([arrays[n] for n in good]).transpose(0, 3, 1, 2))
    assert reading.table.column("label").to_pylist() == [str(n % 2) for n in good]
    assert reading.bad_files == tuple(sorted(BadFile(f"{n % 2}/{n:04}.png", reasons[way]) for n, way in broken.items()))
    streamed = read(tmp_path, OPTIONS, AUTO, in_memory_bytes=1000)
    assert streamed.bad_files == reading.bad_files
    spec, _ = ImageSpec.learn(streamed.table, AUTO, "label")
    assert torch.equal(spec.tensorize(streamed.table)[:], torch.from_numpy(pixels(reading)))
    exact, _ = ImageSpec.learn(reading.table, AUTO, "label")
    assert spec == exact
    with pytest.raises(InputError, match=r"0/0\d+.png: .*; give `on_bad_files='skip'`"):
        read(tmp_path, ReadOptions(on_bad_files="fail"), AUTO)


def test_all_broken(tmp_path):
    write(tmp_path, {f"{n}.png": b"text" for n in range(5)})
    with pytest.raises(InputError, match=r"none of 5 files can be decoded \(0.png: not an image: text; 1.png"):
        read(tmp_path, OPTIONS, AUTO)


def test_hugging_faces_parquet(tmp_path):
    images = [picture() for _ in range(4)]
    cells = pa.array(
        [{"bytes": png(a), "path": None} for a in images], pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    )
    metadata = {"huggingface": json.dumps({"info": {"features": {"label": {"names": ["cat", "dog"]}}}})}
    table = pa.table({"image": cells, "label": [0, 1, 1, 0], "id": list("wxyz")}).replace_schema_metadata(metadata)
    pq.write_table(table, tmp_path / "a.parquet")
    assert DOMAINS["image"].recognizes(tmp_path / "a.parquet")
    reading = read(tmp_path / "a.parquet", OPTIONS, AUTO)
    np.testing.assert_array_equal(pixels(reading), np.stack(images).transpose(0, 3, 1, 2))
    assert reading.table.drop_columns(["image"]).to_pydict() == {
        "file": ["row 1", "row 2", "row 3", "row 4"], "label": ["cat", "dog", "dog", "cat"], "id": list("wxyz"),
    }  # fmt: skip
    assert reading.target == "label"
    streamed = read(tmp_path / "a.parquet", OPTIONS, AUTO, in_memory_bytes=0)
    spec, _ = ImageSpec.learn(streamed.table, AUTO, "label")
    assert torch.equal(spec.tensorize(streamed.table)[:], torch.from_numpy(pixels(reading)))


def test_shards_with_parts_and_a_broken_row(tmp_path):
    for name, values in [
        ("train-00000-of-00001", [png(picture()), b"text"]),
        ("test-00000-of-00001", [png(picture())]),
    ]:
        pq.write_table(pa.table({"image": values, "label": list(range(len(values)))}), tmp_path / f"{name}.parquet")
    reading = read(tmp_path, OPTIONS, AUTO)
    assert (reading.splits, reading.table.num_rows) == (("train", "test"), 2)
    assert reading.bad_files == (BadFile("row 3", "not an image: text"),)
    assert reading.table.column("part").to_pylist() == ["test", "train"]
    assert reading.training.num_rows == 1


def test_idx_inside_a_zip(tmp_path):
    data = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (2, 9, 9)) + bytes(162)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x/train-images-idx3-ubyte", data)
    assert pixels(read(tmp_path / "a.zip", OPTIONS, AUTO)).shape == (2, 1, 9, 9)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: None, "no such file or folder"),
        (lambda p: p.mkdir(), "holds no images: give a folder"),
        (lambda p: p.write_text("a,b\n1,2\n"), "holds no images: give a folder"),
    ],
)
def test_nothing_to_read(tmp_path, make, said):
    make(tmp_path / "data")
    with pytest.raises(InputError, match=f"data: {said}"):
        read(tmp_path / "data", OPTIONS, AUTO)


def test_without_pillow_one_line_says_what_to_install(tmp_path, monkeypatch):
    from contramix.domains.image import decoding

    decoding._kinds.cache_clear()
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(InputError, match=r"^reading images needs pillow: pip install 'contramix\[image\]'$"):
        read(write(tmp_path, FILES), OPTIONS, AUTO)
    np.save(tmp_path / "a.npy", np.zeros((3, 9, 9), np.uint8))
    assert read(tmp_path / "a.npy", OPTIONS, AUTO).table.num_rows == 3  # arrays need no decoder


@pytest.mark.parametrize(
    ("name", "data", "claimed"),
    [
        ("a.png", b"", True),
        ("a.JPG", b"", True),
        ("a.csv", b"a,b\n", False),
        ("a.wav", b"", False),
        ("x/y/a.webp", b"", True),
        ("x/train-images-idx3-ubyte.gz", b"", True),
        ("x/data_batch_1", b"", True),
        ("x/notes.txt", b"", False),
        ("x/.hidden.png", b"", False),
        ("a.npz", b"not one", False),
        ("a.zip", b"not one", False),
        ("a.tar.gz", b"", False),
        ("a.parquet", b"PAR1", False),
    ],
)
def test_claims(tmp_path, name, data, claimed):
    write(tmp_path, {name: data})
    assert DOMAINS["image"].recognizes(tmp_path / name.split("/")[0]) is claimed
    assert DOMAINS["image"].recognizes(tmp_path) is claimed
    assert not DOMAINS["image"].recognizes(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("arrays", "claimed"),
    [
        ({"images": np.zeros((3, 8, 8, 3))}, True),
        ({"images": np.zeros((3, 8, 8), np.uint8), "labels": np.zeros(3)}, True),
        ({"x_train": np.zeros((3, 8, 8, 1), np.float32), "y_train": np.zeros(3)}, True),
        ({"x": np.zeros((3, 8)), "y": np.zeros(3)}, False),
        ({"images": np.zeros((3, 8, 8))}, False),  # floats with three axes may be series
    ],
)
def test_claims_of_arrays(tmp_path, arrays, claimed):
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    np.save(tmp_path / "a.npy", next(iter(arrays.values())))
    assert DOMAINS["image"].recognizes(tmp_path / "a.npz") is claimed
    assert DOMAINS["image"].recognizes(tmp_path / "a.npy") is claimed


def test_two_threads_read_at_once(tmp_path):
    write(tmp_path, FILES)
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(pixels(read(tmp_path, OPTIONS, AUTO)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 4
    assert all(np.array_equal(one, seen[0]) for one in seen)
