"""Whatever is wrong with the call, the data or an artefact: exit 2, one line that names it, nothing written."""

import gzip
import json
import os
import resource
import shutil
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock
from safetensors.numpy import load_file, save_file

OUT = ("--out", "run")


def write(name: str, content: str | bytes) -> str:
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return name


def parquet(name: str, **columns: object) -> str:
    pq.write_table(pa.table(columns), name)
    return name


def checkpoints(folder: str = "run") -> list[Path]:
    return sorted(Path(folder, "checkpoint").glob("*.safetensors"))


def unfinish(folder: str = "run") -> None:
    for name in ("DONE", "config.json", "model.safetensors"):
        Path(folder, name).unlink()


# ---------------------------------------------------------------- files that are no table


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
    [[[1], [2], [3]], [{"k": 1}] * 3, [b"x", b"y", b"z"], pa.array([1, 2, 3], pa.duration("s"))],
    ids=["lists", "structs", "bytes", "durations"],
)
def test_t27_columns_of_types_that_are_no_cells(here, run, values):
    run.refused("pretrain", parquet("n.parquet", a=values, b=[1.5, 2.0, 3.0]), *OUT).says("column 'a'", "drop")


def test_t31_numbers_too_large(here, run):
    write("huge.csv", "a,b\n" + "".join(f"{n}e300,{n}\n" for n in (1.5, 2, -3)))
    run.refused("pretrain", "huge.csv", *OUT).says("column 'a'", "too large", "table.drop")


# ---------------------------------------------------------------- tables that are odd, but read


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


# ---------------------------------------------------------------- the call


CALLS = {
    "unknown option": (["--epoch", "3"], ["--epoch", "pretrain --help"]),
    "unknown recipe": (["--recipe", "imix-npear"], ["imix-npear", "did you mean 'imix-npair'"]),
    "no such recipe file": (["--recipe", "mine.toml"], ["mine.toml"]),
    "unknown domain": (["--domain", "tabel"], ["--domain", "table"]),
    "unknown target": (["--target", "Y"], ["there is no column 'Y'", "did you mean 'y'"]),
    "empty target": (["--target", ""], ["there is no column ''"]),
    "no equals sign": (["--set", "noise.rate"], ["--set noise.rate", "NAME=VALUE"]),
    "no name": (["--set", "=3"], ["NAME=VALUE"]),
    "unknown setting": (["--set", "train.epoch=3"], ["'train.epoch'", "did you mean 'epochs'"]),
    "unknown section": (["--set", "trian.lr=3"], ["'trian'", "did you mean 'train'"]),
    "unknown kind": (["--set", "noise.kind=gausian"], ["gausian", "did you mean 'gaussian'"]),
    "out of range": (["--set", "train.lr=-1"], ["train.lr", "greater than 0", "-1"]),
    "beyond float32": (["--set", "train.lr=1e40"], ["train.lr", "less than or equal to 1000000000000000"]),
    "NaN": (["--set", "train.lr=nan"], ["train.lr", "finite", "nan"]),
    "infinity": (["--set", "train.lr=inf"], ["train.lr", "finite", "inf"]),
    "wrong type": (["--set", "train.lr=fast"], ["train.lr", "number", "'fast'"]),
    "too large": (["--set", "encoder.width=1000000000000"], ["encoder.width", "65536"]),
    "projector too large": (["--recipe", "dacl", "--set", f"method.projector.out={10**18}"], ["projector.out: "]),
    "queue too large": (["--recipe", "moco", "--set", f"method.queue={10**18}"], ["method.queue", "10000000"]),
    "batch larger than the data": (["--set", "train.batch_size=61"], ["train.batch_size 61", "60 rows", "at most"]),
    "batch of one": (["--set", "train.batch_size=1"], ["train.batch_size", "at least 2"]),
    "no epoch": (["--epochs", "0"], ["train.epochs", "at least 1"]),
    "no number": (["--epochs", "many"], ["--epochs"]),
    "negative time": (["--checkpoint-seconds", "-1"], ["--checkpoint-seconds"]),
    "no such device": (["--device", "cuda:99"], ["'cuda:99'", "try 'cpu'"]),
    "no device at all": (["--device", "gpu"], ["'gpu'", "try 'cpu'"]),
    "delimiter of two": (["--delimiter", ",,"], ["--delimiter", "one ASCII character"]),
    "decimal": (["--decimal", "x"], ["--decimal"]),
    "encoding": (["--encoding", "utf-9"], ["--encoding", "utf-9"]),
    "column to drop": (["--set", "table.drop=agee"], ["table.drop", "'agee'", "did you mean 'age'"]),
    "no such cut": (["--set", "imix.cut=layer9"], ["layer9"]),
    "no rows for statistics": (["--transductive", "nothing.csv"], ["nothing.csv: no such file"]),
}


@pytest.mark.parametrize(("options", "words"), CALLS.values(), ids=CALLS)
def test_a_wrong_option_of_pretrain(here, run, t, options, words):
    write("people.csv", t.text(t.people()))
    run.refused("pretrain", "people.csv", *OUT, *options).says(*words)


RECIPES = {
    "empty": ("", ["r.toml", "no settings", "contramix recipes"]),
    "only a comment": ("# later\n", ["r.toml", "no settings"]),
    "unknown section": ("[trian]\nlr = 0.1\n", ["r.toml", "'trian'", "did you mean 'train'"]),
    "unknown key": ("[train]\nbatch = 3\n", ["r.toml", "'train.batch'", "did you mean 'batch_size'"]),
    "unknown key of a member": (
        "[noise]\nkind = 'drop'\nrat = 0.1\n",
        ["r.toml", "'noise.rat'", "did you mean 'rate'"],
    ),
    "out of range": ("[noise]\nkind = 'drop'\nrate = 1.5\n", ["r.toml", "noise.rate", "1.5"]),
    "a key twice": ("[train]\nlr = 0.1\nlr = 0.2\n", ["r.toml", "line 3"]),
    "not TOML": ("train:\n  lr: 0.1\n", ["r.toml", "not a TOML recipe", "line 1"]),
    "not text": (b"\xff\xfe\0\0", ["r.toml", "not a TOML recipe"]),
    "too deep": ("x = " + "[" * 5000, ["r.toml", "not a TOML recipe"]),
    "another domain": ("domain = 'video'\n", ["r.toml", "domain", "'table'"]),
}


@pytest.mark.parametrize(("content", "words"), RECIPES.values(), ids=RECIPES)
def test_a_wrong_recipe(here, run, t, content, words):
    write("people.csv", t.text(t.people()))
    write("r.toml", content)
    run.refused("pretrain", "people.csv", *OUT, "--recipe", "r.toml", "--epochs", "1").says(*words)
    run.refused("recipes", "r.toml").says(*words)


def test_a_wrong_policy_for_bad_rows(here, run, t):
    write("people.csv", t.text(t.people()))
    ended = run.process("pretrain", "people.csv", *OUT, "--on-bad-rows", "drop")
    assert (ended.returncode, ended.stderr) == (2, b"error: --on-bad-rows 'drop': give 'fail' or 'skip'\n")


def test_a_call_without_what_it_needs(here, run):
    run.refused("pretrian").says("pretrian", "pretrain")
    run.refused("pretrain").says("DATA", "pretrain --help")
    run.refused("pretrain", "people.csv").says("--out")
    run.refused("embed", "run").says("DATA", "embed --help")
    run.refused("evaluate", "run", "people.csv").says("run: there is no such folder")
    run.refused("recipes", "imix-npear").says("did you mean 'imix-npair'")


# ---------------------------------------------------------------- where it goes


def test_a_run_folder_that_cannot_be_written(here, run, t):
    write("people.csv", t.text(t.people()))
    Path("other").mkdir()
    write("other/notes.txt", "mine")
    for place, words in {
        "/dev/null/x": "cannot be written",
        "people.csv": "is a file; give a folder",
        "people.csv/x": "cannot be written",
        "other": "holds other files",
        "n" * 300: "too long",
    }.items():
        run.refused("pretrain", "people.csv", "--out", place).says("--out", place, words)


def test_a_file_of_embeddings_that_cannot_be_written(finished, run):
    for place, words in {
        "z.txt": ".parquet, .csv or .npy",
        "nowhere/z.npy": "the folder nowhere is not there",
        "/dev/null/z.npy": "is not there",
        "people.csv": "would be lost",
        "./run/../people.csv": "would be lost",
    }.items():
        run.refused("embed", "run", "people.csv", "--out", place).says("--out", words)
    Path("folder.npy").mkdir()
    run.refused("embed", "run", "people.csv", "--out", "folder.npy").says("is a folder")


def test_columns_to_keep(finished, run, t):
    run.refused("embed", "run", "people.csv", "--out", "z.csv", "--keep", "jobb").says("'jobb'", "did you mean 'job'")
    run.refused("embed", "run", "people.csv", "--out", "z.csv", "--keep", "").says("--keep")
    run.refused("embed", "run", "people.csv", "--out", "z.npy", "--keep", "job").says("numbers only", ".parquet")
    write("e0.csv", t.text(t.column(t.people(), "e0", str)))
    run.refused("embed", "run", "e0.csv", "--out", "z.csv", "--keep", "e0").says("'e0'", "rename")
    run.done("embed", "run", "people.csv", "--out", "z.csv", "--keep", "job", "--keep", "job")
    assert Path("z.csv").read_text().startswith('"job","e0",')


def test_a_full_disk(finished, run):
    Path("small").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", "small"]
    if os.geteuid() or shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        result = run.call("pretrain", "people.csv", "--out", "small/run")
        assert result.code == 2
        assert len(result.lines) == 1
        result.says("small/run", "MB", "free")
        with suppress(OSError):
            Path("small/fill").write_bytes(bytes(5 << 20))
        result = run.call("embed", "run", "people.csv", "--out", "small/z.npy")
        assert result.code == 3
        assert len(result.lines) == 1
        result.says("no space left for small/z.npy")
        assert not [path for path in Path("small").iterdir() if path.name.startswith(("z", ".tmp"))]
    finally:
        subprocess.run(["umount", "small"], check=True)


def test_a_disk_that_fills_up_stops_the_run_and_leaves_the_last_checkpoint(finished, run):
    unfinish()
    checkpoints()[-1].unlink()
    before = checkpoints()[-1].read_bytes()

    def few_bytes():
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, len(before) // 2))

    again = ("pretrain", "people.csv", "--out", "run", "--target", "y", "--set", "train.batch_size=20", *run.small)
    stopped = run.process(*again, preexec_fn=few_bytes)
    assert stopped.returncode == 3, stopped.stderr
    lines = [line for line in stopped.stderr.decode().splitlines() if not line.startswith(("note: ", "warning: "))]
    assert len(lines) == 1
    assert lines[0].startswith("error: no space left for ")
    assert [p.read_bytes() for p in checkpoints()] == [before]
    assert not list(Path("run").rglob(".tmp-*"))
    run.done(*again)
    assert Path("run/DONE").is_file()


def test_embeddings_that_do_not_fit_leave_nothing(finished, run):
    def few_bytes():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    before = run.tree()
    ended = run.process("embed", "run", "people.csv", "--out", "z.npy", preexec_fn=few_bytes)
    assert ended.returncode == 3, ended.stderr
    assert ended.stderr.startswith(b"error: no space left for z.npy")
    assert run.tree() == before


# ---------------------------------------------------------------- runs


AGAIN = ("pretrain", "people.csv", "--out", "run", "--target", "y", "--set", "train.batch_size=20")


def test_a_finished_run_is_left_alone(finished, run):
    before = run.tree()
    told = json.loads(run.done(*AGAIN, *run.small, "--json").out)
    assert told["already_finished"] is True
    assert run.tree() == before


def test_a_run_with_other_settings_or_other_data(finished, run, t):
    settings = {
        "seed": ("--seed", "1"),
        "noise.rate": ("--set", "noise.rate=0.4"),
        "train.epochs": ("--epochs", "2"),
        "target": ("--target", "job"),
    }
    for name, options in settings.items():
        run.refused(*AGAIN, *run.small, *options).says("run: holds a run with other settings", f"{name}: ", "--out")
    write("people.csv", t.text(t.people(seed=1)))
    run.refused(*AGAIN, *run.small).says("run: holds a run on other data", "--out")


def test_a_run_that_another_process_is_using(finished, run):
    unfinish()
    with FileLock("run/.lock"):
        run.refused(*AGAIN, *run.small).says("run: in use by another process", "--out")
        write("run/owner.json", json.dumps({"pid": 7, "host": "there", "since": "noon"}))
        run.refused(*AGAIN, *run.small).says("process 7 on there, since noon")
        write("run/owner.json", "[]")
        run.refused(*AGAIN, *run.small).says("in use by another process")
    run.done(*AGAIN, *run.small)


def test_checkpoints_cut_short(finished, run):
    unfinish()
    newest = checkpoints()[-1]
    assert len(checkpoints()) == 2
    newest.write_bytes(newest.read_bytes()[:1000])
    told = run.done(*AGAIN, *run.small)
    told.says("warning: ", newest.name, "cut short", "going on from step 2")
    assert Path("run/DONE").is_file()
    unfinish()
    for path in checkpoints():
        path.write_bytes(path.read_bytes()[:-1])
    run.refused(*AGAIN, *run.small).says(checkpoints()[-1].name, "cut short", "no earlier checkpoint", "anew")


def test_a_model_that_is_gone_is_written_again(finished, run):
    want = Path("run/model.safetensors").read_bytes()
    Path("run/model.safetensors").unlink()
    run.refused("embed", "run", "people.csv", "--out", "z.npy").says("run: not a whole model", "model.safetensors")
    run.done(*AGAIN, *run.small)
    assert Path("run/model.safetensors").read_bytes() == want


def test_a_learning_rate_that_diverges(here, run, t):
    write("people.csv", t.text(t.people()))
    options = ("--set", "train.lr=1e15", "--set", "train.batch_size=20", *run.small)
    result = run.call("pretrain", "people.csv", *OUT, *options)
    assert result.code == 3
    assert len(result.lines) == 1
    result.says("the loss is not finite at step", "train.lr", "train.clip_norm")
    assert not Path("run/DONE").exists()
    run.refused("embed", "run", "people.csv", "--out", "z.npy").says("unfinished", "pretrain")


# ---------------------------------------------------------------- models


def model(content: bytes) -> None:
    Path("run/model.safetensors").write_bytes(content)


def test_k_a_damaged_model(finished, run):
    whole = Path("run/model.safetensors").read_bytes()
    flipped = bytearray(whole)
    flipped[-5] ^= 1
    header = json.dumps({"w": {"dtype": "F32", "shape": [1_000_000_000], "data_offsets": [0, 4]}}).encode()
    bomb = struct.pack("<Q", len(header)) + header + bytes(4)
    for content in (
        b"",
        whole[:100],
        whole[:-1],
        bytes(flipped),
        b"version https://git-lfs\n",
        bomb,
        b"\x80\x04}." * 9,
    ):
        model(content)
        for command in (("embed", "run", "people.csv", "--out", "z.npy"), ("info", "run")):
            run.refused(*command).says("run/model.safetensors", "delete it and run the command that made it again")


def test_k_weights_that_are_not_numbers_or_of_another_network(finished, run):
    tensors = load_file("run/model.safetensors")
    name = next(n for n in tensors if tensors[n].dtype == np.float32)
    for change, words in (
        ({name: np.full_like(tensors[name], np.nan)}, ["not finite", name]),
        ({name: tensors[name][:1]}, ["another architecture", "shape", name]),
        ({"more": tensors[name]}, ["another architecture", "more"]),
    ):
        save_file({**tensors, **change}, "run/model.safetensors")
        run.refused("embed", "run", "people.csv", "--out", "z.npy").says("run/model.safetensors", *words)


def test_k_configurations(finished, run):
    whole = json.loads(Path("run/config.json").read_text())
    for content, words in (
        (
            json.dumps({**whole, "format_version": 2, "contramix": "9.0"}),
            ["format 2", "contramix 9.0", "reads format 1"],
        ),
        ("", ["run/config.json", "not JSON"]),
        ("[]", ["run/config.json"]),
        ("\0" * 50, ["run/config.json", "not JSON"]),
        (json.dumps({}), ["run/config.json"]),
    ):
        write("run/config.json", content)
        run.refused("embed", "run", "people.csv", "--out", "z.npy").says(*words)
        run.refused("info", "run").says(*words)


def test_k_a_folder_that_is_no_model(finished, run):
    Path("empty").mkdir()
    run.refused("embed", "empty", "people.csv", "--out", "z.npy").says("empty: not a trained model", "no config.json")
    run.refused("embed", "nowhere", "people.csv", "--out", "z.npy").says("nowhere: there is no such folder")
    run.refused("info", "people.csv").says("people.csv")
    for name in ("spec.json", "recipe.toml"):
        shutil.copytree("run", "part")
        Path("part", name).unlink()
        run.refused("info", "part").says("part: not a whole model", name)
        for content in ("", "[]", "\0\0"):
            write(f"part/{name}", content)
            run.refused("info", "part").says(f"part/{name}")
        shutil.rmtree("part")


# ---------------------------------------------------------------- rows for a model (T28)


def test_t28_rows_that_the_model_does_not_fit(finished, run, t):
    rows = t.people(20)
    write("less.csv", t.text(t.column(rows, "age", None)))
    run.refused("embed", "run", "less.csv", "--out", "z.npy").says("missing column 'age'", "the data have: job, since")
    for name, value, now in (
        ("age", "old", "text"),
        ("since", "lately", "text"),
        ("since", "7", "a number"),
        ("member", "perhaps", "text"),
    ):
        write("other.csv", t.text(t.column(rows, name, lambda n, value=value: value)))
        run.refused("embed", "run", "other.csv", "--out", "z.npy").says(f"column '{name}' was ", f"is {now} now", value)
    write("inf.csv", t.text(t.column(rows, "age", lambda n: "inf" if n == 2 else "1")))
    run.refused("embed", "run", "inf.csv", "--out", "z.npy").says("column 'age', row 3", "infinite")
    write("far.csv", t.text(t.column(rows, "age", lambda n: "1e300" if n == 2 else "1")))
    run.refused("embed", "run", "far.csv", "--out", "z.npy").says("column 'age', row 3", "too large")


def test_t28_rows_that_fit_nevertheless(finished, run, t):
    rows = t.people(20)
    write("same.csv", t.text(rows))
    write("more.csv", t.text(t.column(rows, "more", str)))
    write("turned.csv", t.text([row[::-1] for row in rows]))
    write("unlabelled.csv", t.text(t.column(rows, "y", None)))
    for name in ("same", "more", "turned", "unlabelled"):
        told = run.done("embed", "run", f"{name}.csv", "--out", f"{name}.npy")
        assert ("does not know" in told.err or "do not know" in told.err) == (name == "more"), told.err
        assert Path(f"{name}.npy").read_bytes() == Path("same.npy").read_bytes()
    run.done("embed", "run", "more.csv", "--out", "more.npy").says("note: ", "more")
    write("unseen.csv", t.text(t.column(rows, "job", lambda n: "astronaut")))
    write("gaps.csv", t.text(t.column(t.column(rows, "age", lambda n: "" if n % 2 else "40"), "job", lambda n: "NA")))
    write("nothing.csv", t.text([rows[0], *[["", "", "", "", ""]] * 5]))
    for name in ("unseen", "gaps", "nothing"):
        run.done("embed", "run", f"{name}.csv", "--out", "z.npy")
        assert np.isfinite(np.load("z.npy")).all()


# ---------------------------------------------------------------- evaluate


def labelled(t, values) -> str:
    return t.text(t.column(t.people(60), "y", values))


TARGETS = {
    "missing": (lambda n: "" if n in (3, 9) else "ab"[n % 2], ["target 'y' is missing in 2 of 60 rows", "row 4"]),
    "NaN": (lambda n: "NaN" if n == 3 else f"{n}.5", ["missing in 1 of 60", "row 4"]),
    "infinite": (lambda n: "inf" if n == 3 else f"{n}.5", ["row 4", "infinite"]),
    "one class": (lambda n: "a", ["one class only ('a')"]),
    "one value": (lambda n: "1.5", ["one value only (1.5)"]),
    "an identifier": (lambda n: f"k{n}", ["60 classes in 60 rows", "identifier"]),
}


@pytest.mark.parametrize(("values", "words"), TARGETS.values(), ids=TARGETS)
def test_a_target_that_cannot_be_predicted(finished, run, t, values, words):
    write("bad.csv", labelled(t, values))
    run.refused("evaluate", "run", "bad.csv", "--target", "y").says("bad.csv", *words)


def test_targets_that_are_not_there_or_leak(finished, run):
    run.refused("evaluate", "run", "people.csv", "--target", "Y").says("people.csv", "'Y'", "did you mean 'y'")
    run.refused("evaluate", "run", "people.csv", "--target", "").says("''")
    run.refused("evaluate", "run", "people.csv").says("--target", "no labels of their own")
    run.refused("evaluate", "run", "people.csv", "--target", "job").says(
        "'job' was among the inputs", "pre-train again with --target job"
    )


@pytest.mark.parametrize("budgets", ["0", "-3", "a", "1.5", "5;20"])
def test_wrong_label_budgets(finished, run, budgets):
    run.refused("evaluate", "run", "people.csv", "--target", "y", "--labels-per-class", budgets).says(
        f"--labels-per-class {budgets}", "whole numbers"
    )


def test_wrong_options_of_evaluate(finished, run):
    ask = ("evaluate", "run", "people.csv", "--target", "y")
    run.refused(*ask, "--task", "guess").says("--task guess", "classification or regression")
    run.refused(*ask, "--task", "regression").says("'y' is text, not a number", "--task classification")
    run.refused(*ask, "--seeds", "0").says("--seeds")
    run.refused(*ask, "--test", "peple.csv").says("peple.csv: no such file", "people.csv")
    run.refused("evaluate", "nowhere", "people.csv", "--target", "y").says("nowhere")


def test_test_rows_that_do_not_fit(finished, run, t):
    ask = ("evaluate", "run", "people.csv", "--target", "y", "--test", "test.csv")
    write("test.csv", t.text(t.column(t.people(20), "y", lambda n: ["yes", "no", "yess"][n % 3])))
    run.refused(*ask).says("test.csv", "the class 'yess'", "did you mean 'yes'")
    write("test.csv", t.text(t.column(t.people(20), "y", None)))
    run.refused(*ask).says("test.csv", "there is no column 'y'")
    write("test.csv", t.text(t.column(t.people(20), "age", None)))
    run.refused(*ask).says("missing column 'age'")


# ---------------------------------------------------------------- what is printed, and where


def test_json_is_one_object_whatever_is_noted(finished, run, t):
    table = t.column(t.people(60), "same", lambda n: "7")
    write("noted.csv", t.text(table, ";"))
    told = run.done("pretrain", "noted.csv", "--out", "noted", "--target", "y", "--json", *run.small)
    told.says("note: delimiter found", "note: column 'same'")
    assert json.loads(told.out)["left_out"][0]["name"] == "same"
    for command in (
        ("embed", "noted", "noted.csv", "--out", "z.npy", "--json"),
        ("evaluate", "noted", "noted.csv", "--target", "y", "--seeds", "1", "--json", *run.quick),
        ("info", "noted", "--json"),
        ("recipes", "--json"),
        ("recipes", "dacl", "--json"),
    ):
        out = run.done(*command).out
        assert isinstance(json.loads(out), dict)
        assert len(out.splitlines()) == 1
    report = json.loads(Path("noted/report.json").read_text())
    assert report["verdict"]["outcome"] in ("helped", "no difference", "hurt")


def test_quiet_says_nothing_besides_the_result(finished, run, t):
    write("noted.csv", t.text(t.people(60), ";"))
    assert run.done("pretrain", "noted.csv", "--out", "noted", "--quiet", *run.small).err == ""
    assert run.done("evaluate", "run", "noted.csv", "--target", "y", "--seeds", "1", "-q", *run.quick).err == ""
    told = run.done("embed", "run", "noted.csv", "--out", "z.npy", "--quiet", "--json")
    assert told.err == ""
    assert json.loads(told.out)["rows"] == 60


def test_a_reader_that_goes_away(here, run):
    line = [sys.executable, "-m", "contramix.cli", "recipes"]
    read, write_end = os.pipe()
    os.close(read)
    ended = subprocess.run(line, stdout=write_end, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(write_end)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_path_of_any_bytes(finished, run):
    os.mkdir(b"caf\xe9 #1 [")
    name = b"caf\xe9 #1 [/b].csv"
    shutil.copy(b"people.csv", name)
    ended = run.process("embed", "run", name, "--out", b"z \xff.npy", "--json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["rows"] == 60
    assert Path(os.fsdecode(b"z \xff.npy")).is_file()
    told = run.done("evaluate", "run", os.fsdecode(name), "--target", "y", "--seeds", "1", *run.quick)
    assert "on caf? #1 [/b].csv, target y" in told.out
    run.done("pretrain", os.fsdecode(name), "--out", os.fsdecode(b"r\xe9 #"), "--target", "y", *run.small)
    run.refused("info", os.fsdecode(b"no\xff\n")).says("no")


def test_help_is_there_for_every_command_and_needs_no_torch(here):
    script = (
        "import sys\n"
        "from contramix.cli import main\n"
        "for command in ([], ['-h'], *([c, '--help'] for c in 'demo pretrain embed evaluate recipes info'.split())):\n"
        "    try:\n"
        "        main(command)\n"
        "    except SystemExit as end:\n"
        "        assert end.code == 0, command\n"
        "heavy = {'torch', 'sklearn', 'pyarrow', 'pandas', 'scipy'} & sys.modules.keys()\n"
        "assert not heavy, heavy\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == b""
    assert ended.stdout.count(b"Usage: ") == 8
