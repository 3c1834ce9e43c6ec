"""Test raw files of TU Dortmund's collection: valid ones in every layout, and one error line for each invalid one."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from contramix.domains import DOMAINS, find_domain
from contramix.domains.graph.packed import PackedGraphs
from contramix.domains.graph.settings import GraphSettings
from contramix.errors import InputError
from contramix.io.options import ReadOptions

# A triangle with a tail, a graph of one node that leads to itself, one without edges, and one with an isolated node.
INDICATOR = [1, 1, 1, 1, 2, 3, 3, 4, 4, 4]
EDGES = [(1, 2), (2, 1), (2, 3), (3, 2), (3, 1), (1, 3), (3, 4), (4, 3), (5, 5), (8, 9), (9, 8)]
LABELS = [3, 1, 1, 2, 3, 1, 1, 2, 2, 0]
CLASSES = [1, -1, 1, -1]
GRAPHS = [
    (4, {(0, 1), (1, 0), (1, 2), (2, 1), (2, 0), (0, 2), (2, 3), (3, 2)}),
    (1, {(0, 0)}),
    (2, set()),
    (3, {(0, 1), (1, 0)}),
]


def whole() -> dict[str, str]:
    return {
        "A": "".join(f"{a}, {b}\n" for a, b in EDGES),
        "graph_indicator": "".join(f"{n}\n" for n in INDICATOR),
        "graph_labels": "".join(f"{n}\n" for n in CLASSES),
        "node_labels": "".join(f"{n}\n" for n in LABELS),
    }


def write(folder: Path, files: dict[str, str | bytes], name: str = "TINY") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for part, text in files.items():
        (folder / f"{name}_{part}.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def read(path: Path, **settings):
    return DOMAINS["graph"].read(path, ReadOptions(), GraphSettings(**settings))


def graphs(reading) -> list[tuple[int, set[tuple[int, int]]]]:
    """Each graph's number of nodes, and its edges."""
    rows = reading.table.column("graph").to_pylist()
    return [(row["nodes"], set(zip(row["source"], row["target"]))) for row in rows]


def test_a_folder(tmp_path):
    folder = write(tmp_path / "tiny", whole())
    assert find_domain(folder) == "graph"
    reading = read(folder)
    assert graphs(reading) == GRAPHS
    assert [len(row["source"]) for row in reading.table.column("graph").to_pylist()] == [8, 1, 0, 2]
    labels = [[label for (label,) in row["labels"]] for row in reading.table.column("graph").to_pylist()]
    assert labels == [[3, 1, 1, 2], [3], [1, 1], [2, 2, 0]]
    assert reading.table.column("label").to_pylist() == ["1", "-1", "1", "-1"]
    assert (reading.target, reading.splits, reading.bad_files) == ("label", (), ())
    assert reading.notes == ("1 edges lead from a node to itself, and are kept",)


@pytest.mark.parametrize("inside", ["", "TINY/", "data/raw/"])
def test_a_zip_and_a_folder_with_one(tmp_path, inside):
    (tmp_path / "packed").mkdir()
    with zipfile.ZipFile(tmp_path / "packed" / "TINY.zip", "w") as archive:
        archive.writestr(f"{inside}README.txt", "about it")
        archive.writestr("__MACOSX/._TINY_A.txt", b"\0\0")
        for part, text in whole().items():
            archive.writestr(f"{inside}TINY_{part}.txt", text)
    for path in (tmp_path / "packed" / "TINY.zip", tmp_path / "packed"):
        assert find_domain(path) == "graph"
        assert graphs(read(path)) == GRAPHS


LAYOUTS = {
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "no end of the last line": lambda text: text.rstrip("\n"),
    "trailing blank lines": lambda text: text + "\n\r\n\n",
    "spaces": lambda text: text.replace("\n", "  \n").replace(",", "  ,  "),
    "a byte order mark": lambda text: "\ufeff" + text,
    "whole numbers with a point": lambda text: text.replace("\n", ".0\n"),
}


@pytest.mark.parametrize("change", LAYOUTS.values(), ids=LAYOUTS)
def test_ways_to_write_the_same(tmp_path, change):
    reading = read(write(tmp_path, {part: change(text) for part, text in whole().items()}))
    assert reading.table.equals(read(write(tmp_path / "plain", whole())).table)


def test_nodes_that_do_not_stand_together_are_brought_together(tmp_path):
    """Nodes in another order, their numbers changed alike in all files."""
    order = np.random.default_rng(0).permutation(len(INDICATOR))
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    moved = whole() | {
        "graph_indicator": "".join(f"{INDICATOR[n]}\n" for n in order),
        "node_labels": "".join(f"{LABELS[n]}\n" for n in order),
        "node_attributes": "".join(f"{n}, {n * n}\n" for n in order),
        "A": "".join(f"{place[a - 1] + 1},{place[b - 1] + 1}\n" for a, b in EDGES[::-1]),
    }
    rows = read(write(tmp_path, moved)).table.column("graph").to_pylist()
    for number, row in enumerate(rows):
        mine = [n for n in order if INDICATOR[n] == number + 1]  # in the order of the file
        assert [label for (label,) in row["labels"]] == [LABELS[n] for n in mine]
        assert row["attributes"] == [[n, n * n] for n in mine]
        edges = {(mine.index(a - 1), mine.index(b - 1)) for a, b in EDGES if INDICATOR[a - 1] == number + 1}
        assert set(zip(row["source"], row["target"])) == edges


def test_edges_that_stand_there_twice_count_once(tmp_path):
    """As in the official files of IMDB-BINARY."""
    twice = whole() | {"A": "".join(f"{a}, {b}\n" * 2 for a, b in EDGES)}
    reading = read(write(tmp_path, twice))
    assert graphs(reading) == GRAPHS
    assert [len(row["source"]) for row in reading.table.column("graph").to_pylist()] == [8, 1, 0, 2]
    assert "11 of 22 edges are repeated and count once" in reading.notes


def test_several_columns_of_labels_and_attributes(tmp_path):
    files = whole() | {
        "node_labels": "".join(f"{n}, {n % 2}\n" for n in LABELS),
        "node_attributes": "".join(f"{n / 2},{-n},1e-3\n" for n in range(10)),
        "edge_labels": "0\n" * len(EDGES),
    }
    reading = read(write(tmp_path, files))
    packed = PackedGraphs.from_column(reading.table.column("graph"))
    assert packed.labels.tolist() == [[n, n % 2] for n in LABELS]
    np.testing.assert_allclose(packed.attributes, [[n / 2, -n, 1e-3] for n in range(10)], rtol=1e-6)
    assert "labels and attributes of edges are not used" in reading.notes


def test_quantities_of_graphs(tmp_path):
    files = whole() | {"graph_attributes": "0.5, 7\n1.5, 8\nnan, 9\n-2, 10\n"}
    both = read(write(tmp_path / "both", files))
    assert both.target == "label"
    del files["graph_labels"]
    reading = read(write(tmp_path / "one", files))
    assert reading.target == "value"
    for table in (both.table, reading.table):
        assert table.column("value").to_pylist() == [0.5, 1.5, None, -2]
        assert table.column("value2").to_pylist() == [7, 8, 9, 10]


@pytest.mark.parametrize("known", [True, False])
def test_a_graph_without_nodes_is_a_gap_in_the_indicator(tmp_path, known):
    files = whole() | {
        "graph_indicator": "".join(f"{n + (n > 2)}\n" for n in INDICATOR),
        "graph_labels": "1\n-1\n0\n1\n-1\n",
    }
    if not known:
        del files["graph_labels"]
    reading = read(write(tmp_path, files))
    assert graphs(reading) == [*GRAPHS[:2], (0, set()), *GRAPHS[2:]]
    assert "1 of 5 graphs have no nodes" in reading.notes


def test_columns_survive_slices_and_chunks(tmp_path):
    column = read(write(tmp_path, whole())).table.column("graph")
    packed = PackedGraphs.from_column(column)
    parts = [PackedGraphs.from_column(column.slice(n, 1)) for n in range(4)]
    assert [int(part.nodes[0]) for part in parts] == packed.nodes.tolist()
    again = parts[0]
    for part in parts[1:]:
        again = again.concatenate(part)
    for name in ("nodes", "edges", "edge_index", "labels"):
        assert getattr(again, name).tolist() == getattr(packed, name).tolist()
    assert PackedGraphs.from_column(column.take([3, 1])).labels[:, 0].tolist() == [2, 2, 0, 3]


# ---------------------------------------------------------------- what is wrong


def lines(part: str, **changed: str | None) -> dict[str, str | None]:
    """A file with some of its lines changed: ``l3`` is the third; None: it is left out."""
    made = whole()[part].splitlines()
    for name, text in changed.items():
        made[int(name[1:]) - 1] = text
    return {part: "\n".join(line for line in made if line is not None) + "\n"}


BAD = {
    "graph 0": (lines("graph_indicator", l3="0"), "TINY_graph_indicator.txt line 3: graph 0; .* numbered from 1"),
    "a negative graph": (lines("graph_indicator", l10="-1"), "indicator.txt line 10: graph -1"),
    "more graphs than labels": (lines("graph_indicator", l10="5"), "line 10: graph 5, but .*graph_labels.txt has 4"),
    "fewer graphs than labels": (lines("graph_labels", l4="1\n1"), "TINY_graph_labels.txt: 5 lines.* has 4 graphs"),
    "a graph that is a word": (lines("graph_indicator", l4="one"), "indicator.txt line 4: 'one', where one number"),
    "half a graph": (lines("graph_indicator", l4="1.5"), "indicator.txt line 4: 1.5 is not an integer"),
    "no graph": (lines("graph_indicator", l4=""), "indicator.txt line 4: '', where one number"),
    "a graph that is no number": (lines("graph_indicator", l4="nan"), "line 4: nan is not an integer"),
    "a graph beyond all numbers": (lines("graph_indicator", l4="1e300"), r"line 4: 1e\+300 is not an integer"),
    "two numbers for a node": (lines("graph_indicator", l1="1,1", l2="1,1"), "indicator.txt"),
    "no indicator": ({"graph_indicator": None}, "no file ..._graph_indicator.txt, which says to which graph each"),
    "no edges' file": ({"A": None}, "no file ..._A.txt, which says which nodes are joined"),
    "an empty file": ({"A": ""}, "TINY_A.txt: cannot be read: 0 bytes"),
    "an empty line": ({"A": "\n"}, "TINY_A.txt line 1: '', where 2 numbers"),
    "node 0": (lines("A", l2="0, 1"), "TINY_A.txt line 2: 0, 1, but nodes are numbered from 1 to 10"),
    "a negative node": (lines("A", l11="9,-8"), "TINY_A.txt line 11: 9, -8"),
    "a node too many": (lines("A", l11="9,11"), "TINY_A.txt line 11: 9, 11, but nodes are numbered from 1 to 10"),
    "across graphs": (lines("A", l5="3, 5"), "TINY_A.txt line 5: connects a node of graph 1 to one of graph 2"),
    "three ends": (lines("A", l3="2, 3, 1"), "TINY_A.txt line 3: '2, 3, 1', where 2 numbers between commas"),
    "one end": (lines("A", l1="1"), "TINY_A.txt line 1: '1', where 2 numbers"),
    "spaces for commas": (lines("A", l1="1 2"), "TINY_A.txt line 1: '1 2', where 2 numbers"),
    "half a node": (lines("A", l6="1.5, 3"), "TINY_A.txt line 6: 1.5, 3 is not an integer"),
    "a node beyond all numbers": (lines("A", l6="1e400, 3"), "TINY_A.txt line 6: inf, 3 is not an integer"),
    "a blank line inside": (lines("A", l6=""), "TINY_A.txt line 6: ''"),
    "a missing label": (lines("node_labels", l2=None), "node_labels.txt: 9 lines, one per node, but .* has 10"),
    "half a label": (lines("node_labels", l2="0.5"), "node_labels.txt line 2: 0.5 is not an integer"),
    "a class of words": (lines("graph_labels", l2="mutagenic"), "graph_labels.txt line 2: 'mutagenic'"),
    "two classes a graph": ({"graph_labels": "1,2\n" * 4}, "graph_labels.txt line 1: 2 numbers, where one"),
    "attributes that are no number": ({"node_attributes": "1,2\n" * 9 + "1,nan\n"}, "attributes.txt line 10: 1, nan"),
    "infinite attributes": ({"node_attributes": "1\n" * 9 + "1e39\n"}, r"line 10: 1e\+39 is not finite, or too large"),
    "ragged attributes": ({"node_attributes": "1,2\n" * 9 + "1\n"}, "line 10: '1', where 2 numbers between commas"),
    "bytes": ({"A": b"\xff\xfe\x001,2\n" * 3}, "TINY_A.txt line 1"),
    "NUL bytes": ({"A": bytes(64)}, "TINY_A.txt line 1"),
    "a line of commas": ({"node_attributes": "," * 20_000 + "\n"}, "line 1: 20,001 numbers; at most 10,000"),
    "control characters": (lines("A", l1="\x1b[2J,1"), r"line 1: '\[2J,1', where"),
}


@pytest.mark.parametrize(("change", "said"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("packed", [False, True])
def test_what_is_wrong_is_told_in_one_line(tmp_path, change, said, packed):
    files = {part: text for part, text in {**whole(), **change}.items() if text is not None}
    path = write(tmp_path / "data", files)
    assert find_domain(path) == "graph"
    if packed:
        path = tmp_path / "data.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for part, text in files.items():
                archive.writestr(f"TINY_{part}.txt", text)
    with pytest.raises(InputError, match=said) as error:
        read(path)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 300


def test_a_number_of_graphs_that_would_fill_the_memory(tmp_path):
    files = whole() | lines("graph_indicator", l10=str(2**31))
    del files["graph_labels"]
    with pytest.raises(InputError, match="line 10: graph 2147483648, but there are 10 nodes"):
        read(write(tmp_path, files))


def test_several_data_sets(tmp_path):
    write(tmp_path / "both" / "TINY", whole())
    write(tmp_path / "both" / "other", {**whole(), "graph_labels": "7\n8\n7\n8\n"}, "OTHER")
    with pytest.raises(InputError, match=r"holds 2 data sets: set graph\.dataset to one of OTHER, TINY"):
        read(tmp_path / "both")
    assert read(tmp_path / "both", dataset="OTHER").table.column("label").to_pylist() == ["7", "8", "7", "8"]
    assert graphs(read(tmp_path / "both", dataset="TINY")) == GRAPHS
    with pytest.raises(InputError, match=r"graph\.dataset = 'MUTAG' is not there; known: OTHER, TINY"):
        read(tmp_path / "both", dataset="MUTAG")
    # Two of one name are told apart by their folders.
    write(tmp_path / "same" / "new", whole())
    write(tmp_path / "same" / "old", {**whole(), "graph_labels": "7\n8\n7\n8\n"})
    with pytest.raises(InputError, match="one of new/TINY, old/TINY"):
        read(tmp_path / "same")
    assert read(tmp_path / "same", dataset="old/TINY").table.column("label").to_pylist() == ["7", "8", "7", "8"]


def test_a_folder_of_several_zips(tmp_path):
    for name in ("A", "B"):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            for part, text in whole().items():
                archive.writestr(f"{name}_{part}.txt", text)
    with pytest.raises(InputError, match=r"holds 2 archives \(A.zip, B.zip\): name the one to read"):
        read(tmp_path)


def test_archives_that_are_broken_or_bombs(tmp_path):
    good = tmp_path / "good.zip"
    with zipfile.ZipFile(good, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, text in whole().items():
            archive.writestr(f"TINY_{part}.txt", text * 200 if part == "A" else text)
    data = good.read_bytes()
    (tmp_path / "half.zip").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"half\.zip: the archive is truncated or damaged"):
        read(tmp_path / "half.zip")
    at = data.index(b"TINY_A.txt") + 20
    (tmp_path / "bits.zip").write_bytes(data[:at] + bytes(8) + data[at + 8 :])
    with pytest.raises(InputError, match=r"TINY_A\.txt: cannot be read: damaged in the archive"):
        read(tmp_path / "bits.zip")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for part in whole():
            with archive.open(f"TINY_{part}.txt", "w") as member:
                for _ in range(96):
                    member.write(b"1\n" * (1 << 19))
    assert (tmp_path / "bomb.zip").stat().st_size < 2**20
    with pytest.raises(InputError, match="looks like a decompression bomb"):
        read(tmp_path / "bomb.zip")


def test_nothing_of_the_kind(tmp_path):
    (tmp_path / "part_a.txt").write_text("It was a dark and stormy night.")
    (tmp_path / "part_b.txt").write_text("The end.")
    assert not DOMAINS["graph"].recognizes(tmp_path)  # a text may be called so
    with pytest.raises(InputError, match=r"no file \.\.\._graph_indicator\.txt"):
        read(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "nowhere")
