"""Test that formats are detected from the bytes, bad paths are reported, and streams held by Arrow are closed."""

import gzip
import io
import os
import pickle
import random
import threading
import time
import zipfile

import pyarrow as pa
import pytest

from contramix.io.tables import opening


def test_the_end_waits_for_threads_that_hold_a_stream():
    stream = io.BytesIO(b"a,b\n1,2\n")
    native = opening.to_arrow_stream(stream)
    assert native.read() == b"a,b\n1,2\n"
    held, ready = [native], threading.Event()
    del stream, native

    def later():
        ready.set()
        time.sleep(0.2)
        held.clear()

    thread = threading.Thread(target=later)
    thread.start()
    ready.wait()
    opening.wait_for_arrow(seconds=5.0)
    assert not held
    thread.join()


def test_a_stream_that_stays_is_waited_for_only_so_long():
    stream = io.BytesIO()
    native = opening.to_arrow_stream(stream)
    opening.wait_for_arrow(seconds=0.01)
    assert native is not None


NUMBERS = "a,b\n" + "".join(f"{i},{i}.5\n" for i in range(100))


def test_missing_file(tmp_path, one_line_error, written):
    written(tmp_path, NUMBERS, "customers.csv")
    one_line_error(tmp_path / "custmers.csv", "no such file", "did you mean customers.csv")
    assert "did you mean" not in one_line_error(tmp_path / "zzz.parquet", "no such file")
    one_line_error(tmp_path / "no" / "x.csv", "no such file", "folder")


def test_folder(tmp_path, one_line_error):
    one_line_error(tmp_path, "is a folder")


def test_not_a_regular_file(tmp_path, one_line_error):
    os.mkfifo(tmp_path / "pipe")
    one_line_error(tmp_path / "pipe", "not a regular file")
    os.symlink(tmp_path / "loop", tmp_path / "loop")
    one_line_error(tmp_path / "loop", "cannot be opened")


def test_t01_empty_file(csv_file, one_line_error):
    one_line_error(csv_file(b""), "empty file")
    one_line_error(csv_file(gzip.compress(b"")), "empty file")
    one_line_error(csv_file("\n\n\r\n"), "empty file")
    one_line_error(csv_file(b"", "x.parquet"), "empty file")


def test_t12_compression_is_told_by_the_bytes(csv_file, cells):
    packed = {
        "gz": gzip.compress(NUMBERS.encode()),
        "zst": pa.Codec("zstd").compress(NUMBERS.encode(), asbytes=True),
    }
    for ending, content in packed.items():
        for name in ("table.csv", f"table.csv.{ending}", "table"):
            assert cells(csv_file(content, name))["b"] == [i + 0.5 for i in range(100)]
    assert cells(csv_file(NUMBERS, "really_text.csv.gz"))["a"] == list(range(100))


def test_t12_damaged_gzip(csv_file, one_line_error):
    noise = "a\n" + "".join(f"{random.Random(i).random()}\n" for i in range(200_000))
    packed = bytearray(gzip.compress(noise.encode()))
    for cut in (len(packed) - 4, len(packed) // 2, 30):
        one_line_error(csv_file(packed[:cut]), "compressed data")
    packed[len(packed) // 2] ^= 255
    one_line_error(csv_file(packed))
    zstd = pa.Codec("zstd").compress(noise.encode(), asbytes=True)
    one_line_error(csv_file(zstd[: len(zstd) // 2]), "compressed data")


def workbook():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\n  <!DOCTYPE html><html></html>", "HTML"),
        (b"%PDF-1.7\n1 0 obj", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel"),
        (workbook(), "Excel workbook: save it as CSV or Parquet"),
        (pickle.dumps({"a": 1}), "pickle"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (random.Random(0).randbytes(5000).replace(b"\0", b"\1"), "binary"),
        (bytes(range(256)) * 20, "binary"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "PNG"),
        (gzip.compress(b"<html>", mtime=0), "HTML"),
    ],
    ids=["html", "pdf", "xls", "xlsx", "pickle", "lfs", "random", "bytes", "png", "gzipped-html"],
)
def test_t13_other_things_called_csv(csv_file, content, words, one_line_error):
    one_line_error(csv_file(content), words)
