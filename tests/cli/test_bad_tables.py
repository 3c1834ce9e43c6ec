"""Test files that are no table: exit code 2, and one line that names what is wrong."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

OUT = ("--out", "run")


def write(name: str, content: str | bytes) -> str:
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return name


def parquet(name: str, **columns: object) -> str:
    pq.write_table(pa.table(columns), name)
    return name


BAD_FILES = {
    "T1 empty": (b"", ["empty file"]),
    "T1 blank": (b"\n\n", ["bad.csv", "no lines"]),
    "T2 header only": (b"a,b\n", ["no rows", "only a header"]),
    "T3 duplicate names": (b"a,a,b\n1,2,3\n4,5,6\n", ["duplicate column names: 'a'", "rename"]),
    "T5 short row": (b"a,b\n1,2\n3\n4,5\n", ["line 3", "1 cell", "--on-bad-rows skip"]),
    "T6 long row": (b"a,b\n1,2\n3,4,5\n4,5\n", ["line 3", "3 cells", "--on-bad-rows skip"]),
    "T7 unclosed quote": (b'a,b\n1,2\n"3,4\n4,5\n', ["line 3", "quote", "close it"]),
    "T8 decimal comma": (b"a;b\n1,5;2\n3,5;4\n", ["column 'a'", "decimal comma", "--decimal ,"]),
    "T10 UTF-16": ("a,b\n1,2\n3,4\n".encode("utf-16"), ["UTF-16", "--encoding utf-16"]),
    "T10 UTF-16 without a mark": ("a,b\n1,2\n3,4\n".encode("utf-16-le"), ["--encoding utf-16-le"]),
    "T11 Latin-1": ("a,b\n1,caf\xe9\n2,th\xe9\n".encode("latin-1"), ["line 2", "0xe9", "--encoding"]),
    "T13 binary": (bytes(range(256)) * 20, ["bad.csv"]),
    "T13 PNG": (b"\x89PNG\r\n\x1a\n" + bytes(100), ["PNG image"]),
    "T13 HTML": (b"<!DOCTYPE html><table></table>", ["HTML", "CSV"]),
    "T13 old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), ["Excel", "save it as CSV"]),
    "T15 NUL": (b"a,b\n1,x\n2,\0y\n3,z\n", ["line 3", "NUL"]),
    "pickle": (b"\x80\x04\x95\x10\0\0\0\0\0\0\0", ["pickle", "never read"]),
    "git-lfs pointer": (b"version https://git-lfs.github.com/spec/v1\n", ["git lfs pull"]),
    "JSON array": (b'[{"a": 1}, {"a": 2}]', ["JSON array", "one object a line"]),
    "ambiguous delimiter": (b"a,b;c\n1,2;3\n4,5;6\n", ["ambiguous delimiter", "--delimiter"]),
}


@pytest.mark.parametrize(("content", "words"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_no_table(here, run, content, words):
    run.refused("pretrain", write("bad.csv", content), *OUT).says("bad.csv", *words)


@pytest.mark.parametrize("command", ["pretrain", "embed", "evaluate"])
def test_a_file_that_is_not_there(finished, run, command):
    arguments = {
        "pretrain": ("peopel.csv", "--out", "new"),
        "embed": ("run", "peopel.csv", "--out", "z.npy"),
        "evaluate": ("run", "peopel.csv", "--target", "y"),
    }[command]
    run.refused(command, *arguments).says("peopel.csv: no such file, did you mean people.csv?")


def test_a_folder_as_data(finished, run):
    run.refused("pretrain", "run", "--out", "new").says("run: is a folder")


def test_a_zip_that_is_an_excel_workbook_or_a_zip(here, run):
    import zipfile

    for name, words in (("xl/workbook.xml", "Excel"), ("data.csv", "zip archive")):
        with zipfile.ZipFile("bad.csv", "w") as archive:
            archive.writestr(name, "a,b\n1,2\n")
        run.refused("pretrain", "bad.csv", *OUT).says("bad.csv", words)


def test_t16_text_below_numbers_far_down_is_named_by_its_line(here, run):
    rows = 130_000
    body = "".join(f"{n}.25,{n}.5\n" for n in range(rows)) + "1.5,old\n"
    write("late.csv", "a,b\n" + body)
    run.refused("pretrain", "late.csv", *OUT).says(f"line {rows + 2}", "column 'b'", "'old'", "--missing")


def test_t23_a_cell_of_three_megabytes_and_a_hundred_thousand_columns(here, run):
    write("cell.csv", 'a,b\n1,"' + "x" * 3_000_000 + '"\n2,y\n3,y\n4,z\n')
    run.done("pretrain", "cell.csv", *OUT, *run.small)
    names = ",".join(f"c{n}" for n in range(100_000))
    write("wide.csv", names + "\n" + "\n".join(",".join(["1"] * 100_000) for _ in range(3)))
    shutil.rmtree("run")
    run.refused("pretrain", "wide.csv", *OUT).says("100000 columns, at most 50000", "transposed")


def test_t24_broken_parquet(here, run):
    whole = Path(parquet("whole.parquet", a=[1.5, 2.5, 3.0], b=["x", "y", "x"])).read_bytes()
    for content in (whole[: len(whole) // 2], whole[:-8], b"PAR1", b"a,b\n1,2\n", whole[:4] + bytes(50) + whole[-4:]):
        run.refused("pretrain", write("bad.parquet", content), *OUT).says("bad.parquet")
    run.refused("pretrain", write("bad.parquet", b""), *OUT).says("empty file")


def test_t25_a_flipped_byte_in_a_checksummed_page(here, run):
    table = pa.table({"a": np.random.default_rng(0).normal(size=1000)})
    pq.write_table(table, "f.parquet", write_page_checksum=True, use_dictionary=False, compression="none")
    content = bytearray(Path("f.parquet").read_bytes())
    content[4000] ^= 1
    run.refused("pretrain", write("f.parquet", bytes(content)), *OUT).says("f.parquet")


@pytest.mark.parametrize(
    "values",
    [[["p"], ["q"], ["r"]], [{"k": 1}] * 3, [b"x", b"y", b"z"], pa.array([1, 2, 3], pa.duration("s"))],
    ids=["lists of texts", "structs", "bytes", "durations"],
)
def test_t27_columns_of_types_that_are_no_cells(here, run, values):
    run.refused("pretrain", parquet("n.parquet", a=values, b=[1.5, 2.0, 3.0]), *OUT).says("column 'a'", "drop")


def test_t31_numbers_too_large(here, run):
    write("huge.csv", "a,b\n" + "".join(f"{n}e300,{n}\n" for n in (1.5, 2, -3)))
    run.refused("pretrain", "huge.csv", *OUT).says("column 'a'", "too large", "table.drop")
