"""Test the reader of .ts files on the archives' files, and its error line for each invalid line."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from contramix.domains.series.reading import read
from contramix.domains.series.settings import SeriesSettings
from contramix.domains.series.ts import parse
from contramix.errors import InputError
from contramix.io.options import ReadOptions

AUTO = SeriesSettings()
HEAD = "#a comment\n@problemName P\n@timeStamps false\n@missing false\n@univariate true\n@equalLength false\n"
CLASSES = HEAD + "@classLabel true a b\n@data\n"
TWO = "@univariate false\n@dimensions 2\n@classLabel true a b\n@data\n"


def rows(table) -> list[np.ndarray]:
    """Each series as (channels, steps)."""
    return [np.array(one, np.float32).T for one in table.column("series").to_pylist()]


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.ts").write_text(text)
    return folder


def test_values_channels_and_labels():
    problem = parse((TWO + "1,2,3:4,5,6:a\n\n% no series\n -1e3 , 2.5:0,0: b\n").encode(), "x.ts")
    assert [one.values.tolist() for one in problem.series] == [[[1, 2, 3], [4, 5, 6]], [[-1000, 2.5], [0, 0]]]
    assert problem.labels == ["a", "b"]
    assert [one.name for one in problem.series] == ["line 5", "line 8"]


def test_quantities_and_no_labels():
    target = parse(b"@targetLabel true\n@data\n1,2:0.5\n3,4:?\n", "x.ts")
    assert target.labels == [0.5, None]
    assert parse(b"@classLabel false\n@data\n1,2\n", "x.ts").labels is None


@pytest.mark.parametrize("mark", [b"?", b"NaN", b"nan"])
def test_missing_values(mark):
    (one,) = parse(b"@data\n1," + mark + b",3\n", "x.ts").series
    np.testing.assert_array_equal(one.values, [[1, np.nan, 3]])


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf@DATA\r\n1,2\r\n", "# Gr\u00fc\u00dfe\n@data\n1,2\n".encode("latin-1")])
def test_other_encodings_and_line_ends(data):
    assert parse(data, "x.ts").series[0].values.tolist() == [[1, 2]]


def test_an_unknown_tag_is_told():
    assert parse(b"@colour blue\n@data\n1\n", "x.ts").notes == ("x.ts: ignored unknown header lines: @colour (line 1)",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no @data line"),
        ("@data\n", "no series after @data"),
        ("1,2,3\n", "line 1: '1,2,3' precedes @data"),
        ("@data\n1,2,x\n", "line 2, channel 1, value 3: 'x' is not a number; a missing value is '?'"),
        ("@data\n1,,3\n", "line 2, channel 1, value 2: '' is not a number"),
        ("@classLabel true a b\n@data\n1,2\n", "line 3: no label after the last ':'"),
        (
            "@classLabel true a b\n@data\n1,2:a\n1,2:c\n",
            "line 4: class 'c' is not among those in the header; known: a, b",
        ),
        ("@classLabel maybe\n@data\n", "line 1: @classLabel needs true or false, not 'maybe'"),
        ("@dimensions two\n", "line 1: @dimensions needs an integer of at least 1, not 'two'"),
        ("@timeStamps true\n@data\n", "line 1: steps with timestamps are not read"),
        ("@univariate true\n@data\n1,2:3,4\n", "line 3: 2 channels, and the header declares 1"),
        ("@dimensions 3\n@data\n1:2:3\n1:2\n", "line 4: 2 channels, and the header declares 3"),
        ("@data\n1,2:3,4\n1,2\n", "line 3: 1 channels, and 2 in line 2"),
        ("@data\n1,2:3\n", "line 2: channels of 1 to 2 values"),
        ("@equalLength true\n@seriesLength 3\n@data\n1,2,3\n1,2\n", "line 5: 2 values, others 3"),
        ("@equalLength true\n@data\n1,2,3\n1,2\n", "line 4: 2 values, others 3"),
        ("@targetLabel true\n@data\n1,2:high\n", "line 3: target: 'high' is not a number"),
        ("@targetLabel true\n@data\n1,2:inf\n", "line 3: target: the value is infinite"),
        ("@data\n1\0,2\n", "NUL bytes"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text, said):
    with pytest.raises(InputError, match=r"^x\.ts") as caught:
        parse(text.encode(), "x.ts")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_official_parts_and_a_file_alone(tmp_path):
    folder = write(tmp_path / "P", P_TRAIN=CLASSES + "1,2:a\n3,4,5:b\n", P_TEST=CLASSES + "6:b\n")
    reading = read(folder, ReadOptions(), AUTO)
    assert (reading.splits, reading.target, reading.notes, reading.bad_files) == (("train", "test"), "label", (), ())
    assert reading.table.column("part").to_pylist() == ["train", "train", "test"]
    assert reading.table.column("label").to_pylist() == ["a", "b", "b"]
    assert reading.table.column("file").to_pylist() == ["P_TRAIN.ts", "P_TRAIN.ts", "P_TEST.ts"]
    assert [one.tolist() for one in rows(reading.table)] == [[[1, 2]], [[3, 4, 5]], [[6]]]
    alone = read(folder / "P_TRAIN.ts", ReadOptions(), AUTO)
    assert (alone.splits, alone.table.num_rows, "part" in alone.table.column_names) == ((), 2, False)
    with zipfile.ZipFile(tmp_path / "P.zip", "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"P/{file.name}")
    packed = read(tmp_path / "P.zip", ReadOptions(), AUTO)
    assert packed.table.drop_columns("file").equals(reading.table.drop_columns("file"))
    assert packed.splits == ("train", "test")


def test_several_problems_need_a_name(tmp_path):
    folder = write(tmp_path / "all", P_TRAIN=CLASSES + "1:a\n", P_TEST=CLASSES + "2:a\n", Q=CLASSES + "3:b\n")
    with pytest.raises(InputError, match=r"holds 2 data sets \(P, Q\): choose one with `series\.problem=NAME`"):
        read(folder, ReadOptions(), AUTO)
    with pytest.raises(InputError, match=r"there is no data set 'R' \(series\.problem\); known: P, Q"):
        read(folder, ReadOptions(), SeriesSettings(problem="R"))
    reading = read(folder, ReadOptions(), SeriesSettings(problem="Q"))
    assert (reading.table.num_rows, reading.splits) == (1, ())
    assert read(folder, ReadOptions(), SeriesSettings(problem="P")).splits == ("train", "test")


def test_gaps_are_filled_and_empty_series_named(tmp_path):
    text = CLASSES + "?,1,?,?,4,?:a\n:b\n?,?:a\n5:b\n"
    path = write(tmp_path / "P", P=text) / "P.ts"
    reading = read(path, ReadOptions(), AUTO)
    assert [one.tolist() for one in rows(reading.table)] == [[[1, 1, 2, 3, 4, 4]], [[5]]]
    assert reading.table.column("label").to_pylist() == ["a", "b"]
    assert reading.notes == ("4 missing values in 1 series are filled by linear interpolation",)
    assert [tuple(bad) for bad in reading.bad_files] == [
        ("P.ts, line 10", "has no steps"),
        ("P.ts, line 11", "has no values"),
    ]
    with pytest.raises(InputError, match=r"P\.ts, line 10: has no steps"):
        read(path, ReadOptions(on_bad_files="fail"), AUTO)


@pytest.mark.parametrize(("value", "said"), [("inf", "is infinite"), ("-1e39", "beyond what float32 holds")])
def test_values_that_no_float32_holds(tmp_path, value, said):
    path = write(tmp_path / "P", P=CLASSES + f"1,2:a\n1,{value}:a\n") / "P.ts"
    with pytest.raises(InputError, match=f"line 10, channel 1, step 2: the value .*{said}"):
        read(path, ReadOptions(), AUTO)


def test_parts_that_do_not_go_together(tmp_path):
    two = write(tmp_path / "a", P_TRAIN=CLASSES + "1,2:a\n", P_TEST=TWO + "1,2:3,4:a\n")
    with pytest.raises(InputError, match=r"P_TEST\.ts, line 5 has 2 channels, P_TRAIN\.ts, line 9 has 1"):
        read(two, ReadOptions(), AUTO)
    unlike = write(tmp_path / "b", P_TRAIN=CLASSES + "1,2:a\n", P_TEST="@data\n1,2\n")
    with pytest.raises(InputError, match="different kinds of labels"):
        read(unlike, ReadOptions(), AUTO)
    (tmp_path / "c" / "old").mkdir(parents=True)
    for folder in (tmp_path / "c", tmp_path / "c" / "old"):
        (folder / "P.ts").write_text(CLASSES + "1:a\n")
    with pytest.raises(InputError, match=r"several files have the same name \(P\.ts, old/P\.ts\)"):
        read(tmp_path / "c", ReadOptions(), AUTO)


def test_a_folder_of_other_things(tmp_path):
    (tmp_path / "notes.md").write_text("nothing")
    with pytest.raises(InputError, match=r"holds no series: give .ts files"):
        read(tmp_path, ReadOptions(), AUTO)
    write(tmp_path, code="export const x: number = 1;\n")
    with pytest.raises(InputError, match=r"code\.ts, line 1: .* precedes @data"):
        read(tmp_path, ReadOptions(), AUTO)
