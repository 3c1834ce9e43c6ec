"""The raw text format of TU Dortmund's graph data sets: ``NAME_A.txt``, ``NAME_graph_indicator.txt`` and others."""

import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
from jaxtyping import Bool, Float32, Float64, Int64
from numpy import ndarray

from contramix.domains.graph.packed import GRAPH, PackedGraphs
from contramix.domains.graph.settings import GraphSettings
from contramix.domains.graph.spec import GraphSpec
from contramix.errors import InputError, nearest, printable
from contramix.io.media.listing import list_media_files
from contramix.io.media.media_file import MediaFile, UnreadableFileError
from contramix.io.options import ReadOptions
from contramix.io.records import LABEL, Records

PARTS = ("A", "graph_indicator", "graph_labels", "graph_attributes", "node_labels", "node_attributes")
IGNORED = ("edge_labels", "edge_attributes")
ENDINGS = tuple(f"_{part.lower()}.txt" for part in (*PARTS, *IGNORED))
RECOGNIZED = tuple(ending for ending in ENDINGS if ending != "_a.txt")
"""Endings of file names that identify a data set; ``_a.txt`` does not, as a text may be called ``part_a.txt``."""
MOST_EMPTY = 1_000_000
"""Where no file has a line a graph, more graphs without nodes than this are a wrong number."""
MOST_COLUMNS = 10_000


@dataclass(frozen=True)
class Lines:
    """A file of numbers, a few on each line, between commas."""

    name: str
    values: Float64[ndarray, " n k"]

    def whole(self) -> Int64[ndarray, " n k"]:
        """The numbers, which are whole, and stand for themselves in 64 bits."""
        self._check((self.values == np.rint(self.values)) & (abs(self.values) <= 2**53), "is not whole")
        return self.values.astype(np.int64)

    def finite(self) -> Float32[ndarray, " n k"]:
        """The numbers, none missing and none too large."""
        self._check(abs(self.values) <= np.finfo(np.float32).max, "is not finite, or too large")
        return self.values.astype(np.float32)

    def _check(self, good: Bool[ndarray, " n k"], what: str) -> None:
        bad = np.flatnonzero(~good.all(1))
        if len(bad):
            raise InputError(f"{self.name} line {bad[0] + 1}: {_shown(self.values[bad[0]])} {what}")

    def one(self) -> "Lines":
        """The same, where each line has one number."""
        if self.values.shape[1] != 1:
            raise InputError(f"{self.name} line 1: {self.values.shape[1]} numbers, where one is expected")
        return self


def read(
    path: str | os.PathLike[str], options: ReadOptions, settings: GraphSettings, fitted_spec: GraphSpec | None = None
) -> Records:
    """Read a folder or an archive of raw files as rows of a table: ``graph``, and ``label`` or ``value`` if known.

    Repeated edges count once. The classes of graphs become text. ``options`` and ``fitted_spec`` are not used.

    Raises
    ------
    InputError
        If a file is missing or invalid, or files contradict each other; the message names file and line.
    """
    found = list_media_files(path, ENDINGS)
    sets: dict[str, dict[str, MediaFile]] = {}
    for item in found.files:
        matched = re.fullmatch(rf"(.*)_({'|'.join((*PARTS, *IGNORED))})\.txt", item.name, re.IGNORECASE)
        if matched:
            part = next(known for known in (*PARTS, *IGNORED) if known.lower() == matched[2].lower())
            sets.setdefault(matched[1], {})[part] = item
    reading = _whole(_chosen(sets, settings.dataset, found.source), found.source)
    return replace(reading, notes=(*found.notes, *reading.notes))


def _chosen(sets: Mapping[str, Mapping[str, MediaFile]], wanted: str | None, source: str) -> Mapping[str, MediaFile]:
    last = Counter(name.rsplit("/", 1)[-1] for name in sets)
    names = {short if last[short := name.rsplit("/", 1)[-1]] == 1 else name: name for name in sets}
    if wanted is not None:
        if wanted not in names:
            raise InputError(f"{source}: graph.dataset = {printable(wanted)!r} is not there; {nearest(wanted, names)}")
        return sets[names[wanted]]
    if len(sets) > 1:
        shown = ", ".join(sorted(names)[:20])
        raise InputError(f"{source}: holds {len(sets):,} data sets: set graph.dataset to one of {shown}")
    return next(iter(sets.values()))


def _whole(files: Mapping[str, MediaFile], source: str) -> Records:
    for part in ("A", "graph_indicator"):
        if part not in files:
            raise InputError(f"{source}: there is no file ..._{part}.txt, which says {_SAYS[part]}")
    notes = []
    graph = _numbers(files["graph_indicator"]).one()
    of_node = graph.whole()[:, 0]
    labels = _numbers(files["graph_labels"]).one() if "graph_labels" in files else None
    values = _numbers(files["graph_attributes"]) if "graph_attributes" in files else None
    count = _how_many(graph, of_node, [lines for lines in (labels, values) if lines is not None])
    nodes = np.bincount(of_node - 1, minlength=count)
    # Nodes of a graph that do not stand together are brought together, in their order.
    order = of_node.argsort(kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    edges = _numbers(files["A"], width=2)
    edge_index, repeated = _edges(edges, of_node, graph.name)
    if repeated:
        notes.append(f"{repeated:,} of {len(edges.values):,} edges stand there again, and count once")
    edge_index = place[edge_index]
    edge_index = edge_index[:, of_node[order][edge_index[0]].argsort(kind="stable")]
    per_graph = np.bincount(of_node[order][edge_index[0]] - 1, minlength=count)
    loops = int((edge_index[0] == edge_index[1]).sum())
    if loops:
        notes.append(f"{loops:,} edges lead from a node to itself, and are kept")
    if any(part in files for part in IGNORED):
        notes.append("labels and attributes of edges are not used")
    if (nodes == 0).any():
        notes.append(f"{(nodes == 0).sum():,} of {count:,} graphs have no nodes")
    first = (nodes.cumsum() - nodes).repeat(per_graph)
    packed = PackedGraphs(
        nodes, per_graph, edge_index - first,
        None if (of := _of_nodes(files, "node_labels", graph)) is None else of.whole()[order],
        None if (of := _of_nodes(files, "node_attributes", graph)) is None else of.finite()[order],
    )  # fmt: skip
    columns = {GRAPH: packed.column()}
    target = None
    if values is not None:
        target = "value"
        columns |= {
            f"value{n if n > 1 else ''}": pa.array(v, from_pandas=True) for n, v in enumerate(values.values.T, start=1)
        }
    if labels is not None:
        target = LABEL
        columns[target] = pa.array([str(label) for label in labels.whole()[:, 0]], pa.large_string())
    return Records(pa.table(columns), tuple(notes), target)


_SAYS = {"A": "which nodes are joined", "graph_indicator": "to which graph each node belongs"}


def _how_many(graph: Lines, of_node: ndarray, about: list[Lines]) -> int:
    """How many graphs there are, as all files that have a line a graph say."""
    last = int(of_node.max(initial=0))
    if of_node.min() < 1:
        line = int((of_node < 1).argmax()) + 1
        raise InputError(f"{graph.name} line {line}: graph {of_node[line - 1]}; graphs are numbered from 1")
    if not about and last > len(of_node) + MOST_EMPTY:
        line = int(of_node.argmax()) + 1
        raise InputError(f"{graph.name} line {line}: graph {last}, but there are {len(of_node):,} nodes")
    for lines in about:
        if len(lines.values) < last:
            line = int((of_node > len(lines.values)).argmax()) + 1
            raise InputError(
                f"{graph.name} line {line}: graph {of_node[line - 1]}, but {lines.name} has {len(lines.values):,} lines"
            )
        if len(lines.values) > last:
            raise InputError(
                f"{lines.name}: {len(lines.values):,} lines, one a graph, but {graph.name} knows {last:,} graphs"
            )
    return last


def _edges(edges: Lines, of_node: ndarray, indicator: str) -> tuple[Int64[ndarray, " 2 E"], int]:
    """Each edge once, from 0, and how often one was there again."""
    edge_index = edges.whole().T - 1
    outside = np.flatnonzero(((edge_index < 0) | (edge_index >= len(of_node))).any(0))
    if len(outside):
        line = outside[0]
        raise InputError(
            f"{edges.name} line {line + 1}: {_shown(edges.values[line])}, but nodes are numbered from 1 to "
            f"{len(of_node):,}, as {indicator} has lines"
        )
    across = np.flatnonzero(of_node[edge_index[0]] != of_node[edge_index[1]])
    if len(across):
        line, (a, b) = across[0], of_node[edge_index[:, across[0]]]
        raise InputError(f"{edges.name} line {line + 1}: leads from graph {a} to graph {b}, as {indicator} says")
    once = np.unique(edge_index[0] * max(1, len(of_node)) + edge_index[1])
    return np.stack(np.divmod(once, max(1, len(of_node)))), edge_index.shape[1] - len(once)


def _of_nodes(files: Mapping[str, MediaFile], part: str, graph: Lines) -> Lines | None:
    if part not in files:
        return None
    lines = _numbers(files[part])
    if len(lines.values) != len(graph.values):
        raise InputError(
            f"{lines.name}: {len(lines.values):,} lines, one a node, but {graph.name} has {len(graph.values):,}"
        )
    return lines


def _numbers(item: MediaFile, width: int | None = None) -> Lines:
    """All numbers of a file; each line has as many as the first, or ``width``."""
    try:
        data = item.read().replace(b"\r\n", b"\n").rstrip() + b"\n"
    except (OSError, UnreadableFileError) as error:
        raise InputError(f"{item.name}: cannot be read: {error}") from None
    width = width or data.partition(b"\n")[0].count(b",") + 1
    if width > MOST_COLUMNS:
        raise InputError(f"{item.name} line 1: {width:,} numbers; at most {MOST_COLUMNS:,} are read")
    names = [str(n) for n in range(width)]
    try:
        table = csv.read_csv(
            BytesIO(data),
            read_options=csv.ReadOptions(column_names=names, use_threads=False),
            parse_options=csv.ParseOptions(ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, pa.float64()), null_values=[]),
        )
        return Lines(item.name, np.stack([column.to_numpy() for column in table.columns], 1))
    except (pa.ArrowException, ValueError):
        raise InputError(_what_is_wrong(item.name, data, width)) from None


def _what_is_wrong(name: str, data: bytes, width: int) -> str:
    expected = "one number" if width == 1 else f"{width} numbers between commas"
    for number, line in enumerate(data.split(b"\n")[:-1], start=1):
        cells = line.split(b",")
        if len(cells) != width or not all(map(_is_number, cells)):
            return f"{name} line {number}: {printable(line, 40)!r}, where {expected} should stand"
    return f"{name}: not lines of {expected}"


def _is_number(cell: bytes) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _shown(values: ndarray) -> str:
    return ", ".join(f"{value:g}" for value in values)
