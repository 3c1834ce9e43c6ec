"""Test tables that are odd but can be read."""

import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

OUT = ("--out", "run")


def write(name: str, content: str | bytes) -> str:
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return name


def fingerprint(run, content: bytes, *options: str) -> str:
    """Train on a file's content; return what stands for the rows that were read."""
    write("odd.csv", content)
    run.done("pretrain", "odd.csv", "--out", "odd", "--target", "y", *options, *run.small)
    facts = json.loads(Path("odd/run.json").read_text())
    shutil.rmtree("odd")
    return facts["fingerprint"]


def test_the_same_rows_in_any_dress_are_the_same_data(here, run, t):
    rows = t.people(30)
    plain = t.text(rows).encode()
    want = fingerprint(run, plain)
    assert fingerprint(run, b"\xef\xbb\xbf" + plain) == want, "T9: a byte-order mark"
    assert fingerprint(run, gzip.compress(plain)) == want, "T12: gzip under another name"
    assert fingerprint(run, plain.replace(b"\n", b"\r")) == want, "T14: CR ends the lines"
    assert fingerprint(run, plain.replace(b"\n", b"\r\n")) == want
    assert fingerprint(run, plain.decode().encode("utf-16"), "--encoding", "utf-16") == want, "T10"
    comma = t.text([[cell.replace(".", ",") for cell in row] for row in rows], ";").encode()
    assert fingerprint(run, comma, "--decimal", ",") == want, "T8"
    assert fingerprint(run, t.text(rows, "^").encode(), "--delimiter", "^") == want
    assert fingerprint(run, plain + b"1,2\n", "--on-bad-rows", "skip") == want, "T5"
    assert fingerprint(run, plain.split(b"\n", 1)[1], "--no-header", "--target", "column_5") == want


def test_bad_rows_that_are_skipped_are_counted(here, run, t):
    write("ragged.csv", t.text(t.people(30)) + "1,2\n1,2,3,4,5,6,7\n")
    run.refused("pretrain", "ragged.csv", *OUT).says("ragged.csv, line 32", "2 cells")
    run.done("pretrain", "ragged.csv", *OUT, "--on-bad-rows", "skip", *run.small).says("2 bad rows skipped")


def test_a_delimiter_that_cannot_be_told_is_said(here, run):
    write("odd.csv", "".join(f"{n}^{n * n % 7}\n" for n in range(30)))
    run.done("pretrain", "odd.csv", *OUT, *run.small).says("no delimiter found", "--delimiter")


def test_t11_an_encoding_that_is_named(here, run):
    write("l.csv", ("a,b\n" + "1.5,caf\xe9\n2,the\n" * 20).encode("latin-1"))
    run.done("pretrain", "l.csv", *OUT, "--encoding", "latin-1", *run.small)
    assert "caf\xe9" in Path("run/spec.json").read_text()
    run.refused("embed", "run", "l.csv", "--out", "z.npy").says("line 2", "0xe9", "--encoding")
    run.refused("embed", "run", "l.csv", "--out", "z.npy", "--encoding", "latn-1").says("--encoding", "utf-8")


def test_t4_blank_names_are_filled_and_said(here, run):
    write("b.csv", "a,,c\n" + "".join(f"{n * n % 7},{n % 3},{n}.5\n" for n in range(30)))
    run.done("pretrain", "b.csv", *OUT, *run.small).says("blank column names are filled: column_2")


def test_t18_columns_that_hold_nothing_are_left_out_and_recorded(here, run, t):
    table = t.column(t.column(t.people(30), "nothing", lambda n: "NA"), "same", lambda n: "7")
    write("c.csv", t.text(table))
    run.done("pretrain", "c.csv", *OUT, *run.small).says(
        "'nothing' is left out: empty", "'same' is left out: constant (7)"
    )
    told = json.loads(run.done("info", "run", "--json").out)
    assert {c["name"] for c in told["left_out"]} == {"nothing", "same"}


def test_t19_markers_of_what_is_missing(here, run):
    write("m.csv", "a,b\n" + "1.5,x\nNA,?\n-,y\n999,x\n2.5,y\n" * 6)
    run.done("pretrain", "m.csv", *OUT, *run.small)
    spec = json.loads(Path("run/spec.json").read_text())
    assert [c["missing"] for c in spec["columns"]] == [True, True]
    assert spec["columns"][0]["mean"] == pytest.approx((1.5 + 999 + 2.5) / 3)
    shutil.rmtree("run")
    run.done(
        "pretrain",
        "m.csv",
        *OUT,
        *run.small,
        *("--missing", "NA", "--missing", "-", "--missing", "?", "--missing", "999"),
    )
    assert json.loads(Path("run/spec.json").read_text())["columns"][0]["mean"] == 2.0


def test_t20_identifiers_keep_their_digits_and_are_no_input(here, run):
    rows = "".join(f"{n:05d},{10**19 + n},{n * n % 11}.5,{n}\n" for n in range(40))
    write("ids.csv", "code,long,x,row\n" + rows)
    told = run.done("pretrain", "ids.csv", *OUT, *run.small)
    told.says(
        "'code' is left out: an identifier", "'long' is left out: an identifier", "'row' is left out: an identifier"
    )
    run.done("embed", "run", "ids.csv", "--out", "z.csv", "--keep", "code", "--keep", "long")
    assert Path("z.csv").read_text().splitlines()[1].startswith(f'"00000","{10**19}",')


def test_t21_t22_mixed_booleans_and_dates_stay_text(here, run):
    write(
        "b.csv",
        "b,d,x\n"
        + "".join(
            f"{'true' if n % 2 else 'yes'},{'2020-01-02' if n % 2 else '03/04/2020'},{n % 7}.5\n" for n in range(30)
        ),
    )
    run.done("pretrain", "b.csv", *OUT, *run.small).says("column 'd'", "dates in several formats")
    kinds = json.loads(run.done("info", "run", "--json").out)["columns"]
    assert kinds == {"numeric": ["x"], "categorical": ["b", "d"]}


def test_t23_ten_thousand_columns(here, run):
    values = np.random.default_rng(0).normal(size=(20, 10_000)).round(2).astype(str)
    write("wide.csv", ",".join(f"c{n}" for n in range(10_000)) + "\n" + "\n".join(map(",".join, values)) + "\n")
    run.done("pretrain", "wide.csv", *OUT, *run.small)


def test_t29_few_rows(here, run):
    write("one.csv", "a,b\n1,x\n")
    run.refused("pretrain", "one.csv", *OUT).says("no column is left", "constant")
    write("two.csv", "a,b\n1,x\n2,y\n")
    run.done("pretrain", "two.csv", "--out", "two", *run.small)
    write("three.csv", "a,b\n1,x\n2,y\n4,y\n")
    run.done("pretrain", "three.csv", "--out", "three", "--set", "train.batch_size=2", *run.small)
    run.done("embed", "three", "one.csv", "--out", "z.npy")
    assert np.load("z.npy").shape == (1, 8)


def test_t30_a_row_index_of_pandas_is_no_column_and_order_is_kept(here, run, t):
    pd = pytest.importorskip("pandas")
    rows = t.people(30)
    frame = pd.DataFrame(rows[1:], columns=rows[0])
    frame["age"] = frame["age"].astype(float)
    frame.to_parquet("plain.parquet")
    frame.index = pd.MultiIndex.from_arrays([[5] * 30, list(range(30))[::-1]])
    frame.to_parquet("indexed.parquet")
    run.done("pretrain", "plain.parquet", *OUT, "--target", "y", *run.small)
    for name in ("plain", "indexed"):
        run.done("embed", "run", f"{name}.parquet", "--out", f"{name}.npy")
    assert Path("plain.npy").read_bytes() == Path("indexed.npy").read_bytes()


def test_t17_infinite_values(here, run, t):
    for cell in ("inf", "-inf", "1e400"):
        write("inf.csv", t.text(t.column(t.people(30), "age", lambda n: cell if n == 4 else f"{n * n % 19}.5")))
        run.refused("pretrain", "inf.csv", *OUT).says("column 'age', row 5", "infinite", "table.infinite")
    run.done("pretrain", "inf.csv", *OUT, "--set", "table.infinite=missing", *run.small)
    run.done("embed", "run", "inf.csv", "--out", "z.npy")
    assert np.isfinite(np.load("z.npy")).all()


def test_columns_that_are_all_constant(here, run):
    write("c.csv", "a,b\n" + "1,x\n" * 30)
    run.refused("pretrain", "c.csv", *OUT).says("no column is left", "'a' is constant (1)", "'b' is constant ('x')")
