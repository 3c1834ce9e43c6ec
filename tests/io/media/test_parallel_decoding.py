"""Test decoding many files: order, memory, broken files, and repeated decoding on demand."""

import threading
from functools import partial

import numpy as np
import pyarrow as pa
import pytest
import torch

from contramix.errors import InputError, RunError
from contramix.io.media import parallel_decoding
from contramix.io.media.encoded_records import ENCODED
from contramix.io.media.listing import MediaFiles, list_media_files
from contramix.io.media.media_file import MediaFile, UnreadableFileError
from contramix.io.media.parallel_decoding import decode_all, map_files
from contramix.io.media.record_table import build_record_table
from contramix.io.media.streaming import stream_samples
from contramix.io.records import BadFile
from contramix.samples.samples import iterate_batches

SHAPE = (2, 3)


def numbers(data):
    """Bytes that hold one number, as an array of it."""
    if not data.isdigit():
        raise UnreadableFileError("no number")
    return np.full(SHAPE, int(data), np.int16)


def written(folder, n, **broken):
    for number in range(n):
        (folder / f"{number:05}.txx").write_bytes(broken.get(f"f{number}", str(number).encode()))
    return list_media_files(folder, {".txx"})


def values(content):
    return content.to_numpy_ndarray()[:, 0, 0].tolist()


@pytest.mark.parametrize("count", [1, 2, 7])
def test_order_is_kept_whatever_finishes_first(tmp_path, monkeypatch, count):
    monkeypatch.setattr(parallel_decoding, "count_threads", lambda: count)
    late = threading.Event()

    def slow_at_first(data):
        if count > 1 and int(data) == 0:
            assert late.wait(20)  # the first task ends after a later one began
        if int(data) >= 32:
            late.set()
        return numbers(data)

    decoded = decode_all(written(tmp_path, 150), slow_at_first, SHAPE, np.int16)
    assert values(decoded.content) == decoded.indices == list(range(150))


def test_broken_files_are_set_aside_with_reasons(tmp_path):
    found = written(tmp_path, 100, f3=b"x", f50=b"", f99=b"y")
    decoded = decode_all(found, numbers, SHAPE, np.int16)
    assert decoded.bad_files == (
        BadFile("00003.txx", "no number"),
        BadFile("00050.txx", "0 bytes"),
        BadFile("00099.txx", "no number"),
    )
    assert values(decoded.content) == decoded.indices == [n for n in range(100) if n not in (3, 50, 99)]


def test_what_the_listing_found_bad_comes_along(tmp_path):
    (tmp_path / "00001a.txx").mkdir()
    decoded = decode_all(written(tmp_path, 3, f2=b"x"), numbers, SHAPE, np.int16)
    assert [file for file, _ in decoded.bad_files] == ["00001a.txx", "00002.txx"]


@pytest.mark.parametrize("error", [MemoryError(), OSError(5, "Input/output error"), PermissionError("no")])
def test_errors_of_reading_and_memory_are_reasons(error):
    def fails():
        raise error

    found = MediaFiles("here", (MediaFile("a", lambda: b"1"), MediaFile("b", fails)), {})
    decoded = decode_all(found, numbers, SHAPE, np.int16)
    assert decoded.indices == [0]
    assert decoded.bad_files[0].reason.startswith(("not enough memory", "cannot be read ("))


def test_a_bug_of_a_decoder_is_not_a_bad_file(tmp_path):
    with pytest.raises(ZeroDivisionError):
        decode_all(written(tmp_path, 3), lambda data: 1 / 0, SHAPE, np.int16)


def test_fail_names_the_first(tmp_path):
    with pytest.raises(InputError, match=r"00003.txx: no number; give `on_bad_files='skip'`"):
        decode_all(written(tmp_path, 100, f3=b"x", f4=b"y"), numbers, SHAPE, np.int16, on_bad_files="fail")


def test_all_broken_is_an_error_that_names_three(tmp_path):
    broken = {f"f{n}": b"x" for n in range(5)}
    with pytest.raises(InputError) as caught:
        decode_all(written(tmp_path, 5, **broken), numbers, SHAPE, np.int16)
    said = str(caught.value)
    assert "none of 5 files can be decoded (00000.txx: no number; 00001.txx" in said
    assert "00002.txx: no number; ...)" in said


def test_progress_counts_to_the_end(tmp_path):
    told = []
    decode_all(written(tmp_path, 70), numbers, SHAPE, np.int16, progress=lambda done, total: told.append((done, total)))
    assert told == [(n, 70) for n in range(1, 71)]


def test_results_wait_in_bounded_number(monkeypatch):
    monkeypatch.setattr(parallel_decoding, "count_threads", lambda: 2)
    read = []
    several = [MediaFile(str(n), partial(lambda n: read.append(n) or b"1", n)) for n in range(5000)]
    results = map_files(several, numbers)
    next(results)
    results.close()
    assert len(read) <= (2 * 2 + 1 + 2) * 32  # what waits, what was given out, what the threads had in hand


def test_streamed_rows_equal_those_in_memory(tmp_path):
    found = written(tmp_path, 100, f7=b"x")
    held = decode_all(found, numbers, SHAPE, np.int16)
    later = decode_all(found, numbers, SHAPE, np.int16, in_memory_bytes=100 * 12 - 1)
    assert isinstance(held.content, pa.FixedShapeTensorArray)
    assert isinstance(decode_all(found, numbers, SHAPE, np.int16, in_memory_bytes=100 * 12).content, type(held.content))
    assert later.content.type == ENCODED
    assert (later.indices, later.bad_files) == (held.indices, held.bad_files)
    x = stream_samples(pa.chunked_array([later.content]), numbers, SHAPE, torch.int16)
    whole = torch.from_numpy(held.content.to_numpy_ndarray().copy())
    assert x.shape == whole.shape
    rows = torch.tensor([98, 0, 5, 5, 41])
    assert torch.equal(x[rows], whole[rows])
    assert torch.equal(x[10:90:7], whole[10:90:7])
    assert torch.equal(torch.cat(list(iterate_batches(x, torch.arange(99).split(10)))), whole)


def test_a_table_of_encoded_rows_is_a_table(tmp_path):
    found = written(tmp_path, 50)
    decoded = decode_all(found, numbers, SHAPE, np.int16, in_memory_bytes=0)
    table = build_record_table("it", decoded, found.names, labels=[n % 3 for n in range(50)])
    chosen = pa.concat_tables([table.take([3, 1]), table.slice(40, 5), table.filter(pa.array([False] * 49 + [True]))])
    x = stream_samples(chosen.column("it"), numbers, SHAPE, torch.int16)
    assert x[:][:, 0, 0].tolist() == [3, 1, 40, 41, 42, 43, 44, 49]


def test_rows_without_an_address_keep_their_bytes():
    found = MediaFiles("here", tuple(MediaFile(f"row {n}", lambda n=n: str(n).encode()) for n in range(5)), {})
    decoded = decode_all(found, numbers, SHAPE, np.int16, in_memory_bytes=0)
    assert decoded.content.field("bytes").to_pylist() == [b"0", b"1", b"2", b"3", b"4"]
    assert stream_samples(pa.chunked_array([decoded.content]), numbers, SHAPE, torch.int16)[3:4].unique().item() == 3


def test_a_file_that_changes_or_vanishes_stops_the_run(tmp_path):
    decoded = decode_all(written(tmp_path, 5), numbers, SHAPE, np.int16, in_memory_bytes=0)
    x = stream_samples(pa.chunked_array([decoded.content]), numbers, SHAPE, torch.int16)
    (tmp_path / "00002.txx").write_bytes(b"77")
    (tmp_path / "00003.txx").unlink()
    assert x[:2].shape == (2, *SHAPE)
    with pytest.raises(RunError, match=r"00002.txx: changed since it was read first"):
        x[2:3]
    with pytest.raises(RunError, match=r"00003.txx: cannot be read"):
        x[3:4]


def test_the_fingerprint_stands_for_content_and_order(tmp_path):
    def fingerprint(folder, order):
        content = decode_all(list_media_files(folder, {".txx"}), numbers, SHAPE, np.int16, in_memory_bytes=0).content
        return stream_samples(
            pa.chunked_array([content.take(pa.array(order))]), numbers, SHAPE, torch.int16
        ).fingerprint

    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
    written(tmp_path / "a", 3)
    written(tmp_path / "b", 3)
    written(tmp_path / "c", 3, f1=b"8")
    first = fingerprint(tmp_path / "a", [0, 1, 2])
    assert first == fingerprint(tmp_path / "b", [0, 1, 2])
    assert len({first, fingerprint(tmp_path / "c", [0, 1, 2]), fingerprint(tmp_path / "a", [1, 0, 2])}) == 3


def test_records_leave_broken_rows_out_of_every_column(tmp_path):
    found = written(tmp_path, 4, f1=b"x")
    decoded = decode_all(found, numbers, SHAPE, np.int16)
    table = build_record_table(
        "it", decoded, found.names, labels=list("abcd"), splits=["train"] * 4, extra={"n": [0, 1, 2, 3]}
    )
    assert table.drop_columns(["it"]).to_pydict() == {
        "file": ["00000.txx", "00002.txx", "00003.txx"],
        "label": ["a", "c", "d"],
        "part": ["train"] * 3,
        "n": [0, 2, 3],
    }
    assert table.schema.field("label").type == pa.large_string()
