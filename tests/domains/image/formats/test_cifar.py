"""Test CIFAR in its official layouts, built by hand, and that a malicious pickle is not executed."""

import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest

from contramix.domains.image.formats.safe_pickle import plain_values
from contramix.domains.image.reading import read
from contramix.domains.image.settings import ImageSettings
from contramix.errors import InputError
from contramix.io.options import ReadOptions

RNG = np.random.default_rng(0)
N = 6
NAMES = ["plane", "car", "bird"]


def pixels(n=N):
    return RNG.integers(0, 256, (n, 3072), np.uint8)


def old_string(data):
    return b"U" + bytes([len(data)]) + data if len(data) < 256 else b"T" + struct.pack("<I", len(data)) + data


def old_pickle(rows, **columns):
    """A batch as Python 2 wrote it, opcode by opcode: the published files look so."""
    shape = b"M" + struct.pack("<H", len(rows)) + b"M" + struct.pack("<H", rows.shape[1]) + b"\x86"
    dtype = (
        b"cnumpy\ndtype\n"
        + old_string(b"u1")
        + b"K\0K\x01\x87R(K\x03"
        + old_string(b"|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
    )
    state = b"(K\x01" + shape + dtype + b"\x89" + old_string(rows.tobytes()) + b"tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nK\0\x85" + old_string(b"b") + b"\x87R" + state
    out = b"\x80\x02}q\0(" + old_string(b"data") + array
    for name, values in columns.items():
        entries = b"".join(b"K" + bytes([v]) if isinstance(v, int) else old_string(v) for v in values)
        out += old_string(name.encode()) + b"](" + entries + b"e"
    return out + b"u."


def new_pickle(protocol):
    return lambda rows, **columns: pickle.dumps({b"data": rows} | {k.encode(): v for k, v in columns.items()}, protocol)


DUMPS = {"python 2": old_pickle} | {f"protocol {p}": new_pickle(p) for p in (1, 2, 3, 4)}


def write_ten(folder, dump):
    folder.mkdir(parents=True, exist_ok=True)
    rows, labels = pixels(6 * N).reshape(6, N, 3072), RNG.integers(0, 3, (6, N)).tolist()
    files = [b"x_s_%d.png" % n for n in range(N)]
    for batch, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
        (folder / name).write_bytes(dump(rows[batch], labels=labels[batch], filenames=files))
    (folder / "batches.meta").write_bytes(dump(pixels(1), label_names=[n.encode() for n in NAMES]))
    (folder / "readme.html").write_text("x")
    return rows.reshape(-1, 3, 32, 32), np.array(NAMES)[np.ravel(labels)].tolist()


def get(path):
    return read(path, ReadOptions(), ImageSettings())


def check(reading, rows, labels):
    assert (reading.splits, reading.target) == (("train", "test"), "label")
    np.testing.assert_array_equal(reading.table.column("image").combine_chunks().to_numpy_ndarray(), rows)
    assert reading.table.column("label").to_pylist() == labels
    tests = len(rows) // 6
    assert reading.table.column("part").to_pylist() == ["train"] * (len(rows) - tests) + ["test"] * tests


@pytest.mark.parametrize("dump", DUMPS.values(), ids=DUMPS.keys())
def test_ten_python(tmp_path, dump):
    rows, labels = write_ten(tmp_path / "cifar-10-batches-py", dump)
    check(get(tmp_path), rows, labels)
    check(get(tmp_path / "cifar-10-batches-py"), rows, labels)


def test_ten_python_in_its_archive(tmp_path):
    rows, labels = write_ten(tmp_path / "in/cifar-10-batches-py", old_pickle)
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "in/cifar-10-batches-py", "cifar-10-batches-py")
    check(get(tmp_path / "cifar-10-python.tar.gz"), rows, labels)


def test_ten_binary(tmp_path):
    rows, labels = pixels(6 * N), RNG.integers(0, 3, 6 * N)
    records = np.concatenate([labels[:, None].astype(np.uint8), rows], 1).reshape(6, -1)
    for batch, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
        (tmp_path / f"{name}.bin").write_bytes(records[batch].tobytes())
    (tmp_path / "batches.meta.txt").write_text("\n".join(NAMES) + "\n\n")
    check(get(tmp_path), rows.reshape(-1, 3, 32, 32), [NAMES[label] for label in labels])


def test_hundred_python(tmp_path):
    rows, fine, coarse = pixels(12), [n % 5 for n in range(12)], [n % 2 for n in range(12)]
    for name, part in (("train", slice(0, 10)), ("test", slice(10, 12))):
        (tmp_path / name).write_bytes(old_pickle(rows[part], fine_labels=fine[part], coarse_labels=coarse[part]))
    names = {"fine_label_names": [b"a", b"b", b"c", b"d", b"e"], "coarse_label_names": [b"X", b"Y"]}
    (tmp_path / "meta").write_bytes(old_pickle(pixels(1), **names))
    check(get(tmp_path), rows.reshape(-1, 3, 32, 32), ["abcde"[n] for n in fine])
    assert get(tmp_path).table.column("coarse_label").to_pylist() == ["XY"[n] for n in coarse]


def test_hundred_binary(tmp_path):
    rows, fine, coarse = pixels(12), np.arange(12) % 5, np.arange(12) % 2
    records = np.concatenate([np.stack([coarse, fine], 1).astype(np.uint8), rows], 1)
    (tmp_path / "train.bin").write_bytes(records[:10].tobytes())
    (tmp_path / "test.bin").write_bytes(records[10:].tobytes())
    table = get(tmp_path).table
    np.testing.assert_array_equal(
        table.column("image").combine_chunks().to_numpy_ndarray(), rows.reshape(-1, 3, 32, 32)
    )
    assert table.column("label").to_pylist() == fine.tolist()
    assert table.column("coarse_label").to_pylist() == coarse.tolist()


def test_a_training_batch_alone_has_no_parts(tmp_path):
    write_ten(tmp_path, old_pickle)
    reading = get(tmp_path / "data_batch_2")
    assert (reading.splits, reading.table.num_rows, reading.target) == ((), N, "label")


class Harm:
    """Touches a file if it is ever unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_in_a_pickle_is_ever_called(tmp_path, protocol):
    trap = tmp_path / "trap"
    folder = tmp_path / "data"
    write_ten(folder, old_pickle)
    (folder / "data_batch_3").write_bytes(pickle.dumps({b"data": Harm(trap), b"labels": [1]}, protocol))
    with pytest.raises(InputError, match=r"data_batch_3: a pickle that would .*which is never done") as caught:
        get(folder)
    assert "\n" not in str(caught.value)
    assert not trap.exists()
    pickle.loads((folder / "data_batch_3").read_bytes())  # the trap does work
    assert trap.exists()


@pytest.mark.parametrize(
    "value", [np.zeros(3), np.zeros(3, np.int64), np.array([None]), {1, 2}, Path("x"), 1j, slice(1), np.float64(2)]
)
def test_other_values_are_refused(value):
    with pytest.raises(InputError):
        plain_values(pickle.dumps({"data": value}, 2), "file")


@pytest.mark.parametrize("protocol", range(5))
def test_plain_values_are_what_pickle_says(protocol):
    values = {
        "a": [1, -5, 2**40, 2.5, True, None, (1, 2), (1, 2, 3, 4), ()],
        b"b": {"c": "\u00e9\u4e2d"},
        "d": [[]],
        "e": "x" * 300,
    }
    values["f"] = values["a"]
    assert plain_values(pickle.dumps(values, protocol), "file") == values


def test_arrays_in_either_order():
    array = np.asfortranarray(pixels(4))
    for protocol in range(5):
        np.testing.assert_array_equal(plain_values(pickle.dumps({"a": array}, protocol), "f")["a"], array)


def test_damage_anywhere_is_one_line():
    data = old_pickle(pixels(2), labels=[1, 2])
    for cut in range(0, len(data), 97):
        with pytest.raises(InputError):
            plain_values(data[:cut], "file")
    for _ in range(300):
        at = int(RNG.integers(220))
        bad = data[:at] + bytes([int(RNG.integers(256))]) + data[at + 1 :]
        try:
            plain_values(bad, "file")
        except InputError as error:
            said = str(error)
        else:
            said = "file: read"
        assert said.startswith("file: ")


def test_a_pickle_that_holds_itself_or_grows():
    itself = {}
    itself["x"] = itself
    assert list(plain_values(pickle.dumps(itself, 2), "f")) == ["x"]
    laughs = [0]
    for _ in range(40):
        laughs = [laughs] * 10
    assert plain_values(pickle.dumps({"a": laughs}, 2), "f").keys() == {"a"}


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("data_batch_1", lambda: old_pickle(pixels(3)[:, :100], labels=[1, 2, 0]), "is no CIFAR batch"),
        ("data_batch_1", lambda: old_pickle(pixels(3)), "is no CIFAR batch"),
        ("data_batch_1", lambda: pickle.dumps([1, 2]), "is no CIFAR batch"),
        ("data_batch_1", lambda: old_pickle(pixels(3), labels=[1, 2]), "data_batch_1: 2 labels for 3 images"),
        ("data_batch_1", lambda: old_pickle(pixels(2), labels=[1, 9]), "label 9 where there are 3 class names"),
        ("data_batch_1", lambda: b"", "0 bytes"),
        ("data_batch_1", lambda: b"text", "truncated or damaged"),
        ("data_batch_1.bin", lambda: bytes(3074), "3,074 bytes are not a whole number of CIFAR's rows of 3073"),
    ],
)
def test_damaged_batches(tmp_path, name, data, said):
    if not name.endswith("bin"):
        write_ten(tmp_path, old_pickle)
    (tmp_path / name).write_bytes(data())
    with pytest.raises(InputError, match=said):
        get(tmp_path)


def test_source_has_no_unpickling():
    folder = Path(__file__).parents[4] / "src/contramix/domains/image"
    text = "".join(path.read_text() for path in folder.rglob("*.py"))
    assert "import pickle\n" not in text
    assert text.count("pickletools.genops") == 1
