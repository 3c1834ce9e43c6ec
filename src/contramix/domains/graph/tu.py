"""Read data sets of the TU Dortmund graph collection from their raw files, such as ``NAME_A.txt``."""

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
"""File name endings that identify a data set of graphs. ``_a.txt`` does not: any text may be called ``part_a.txt``."""
MAX_EMPTY_GRAPHS = 1_000_000
"""Maximum number of graphs without nodes if no file has one line per graph. More suggest an error in the file."""
MAX_COLUMNS = 10_000
"""Maximum number of values in a line."""


@dataclass(frozen=True)
class NumberFile:
    """Hold the numbers of a text file. Its methods convert them, and raise InputError if a number is invalid.

    Attributes
    ----------
    name
        Name of the file, with which error messages begin.
    values
        The numbers: one row per line of the file, one column per number in a line.
    """

    name: str
    values: Float64[ndarray, " n k"]

    def as_integers(self) -> Int64[ndarray, " n k"]:
        """Convert the numbers to int64.

        Raises
        ------
        InputError
            If a number is not an integer, or too large for float64 to represent exactly.
        """
        self._check((self.values == np.rint(self.values)) & (abs(self.values) <= 2**53), "is not an integer")
        return self.values.astype(np.int64)

    def as_float32(self) -> Float32[ndarray, " n k"]:
        """Convert the numbers to float32.

        Raises
        ------
        InputError
            If a number is NaN, infinite or too large for float32.
        """
        self._check(abs(self.values) <= np.finfo(np.float32).max, "is not finite, or too large")
        return self.values.astype(np.float32)

    def _check(self, good: Bool[ndarray, " n k"], what: str) -> None:
        bad = np.flatnonzero(~good.all(1))
        if len(bad):
            raise InputError(f"{self.name} line {bad[0] + 1}: {_shown(self.values[bad[0]])} {what}")

    def check_single_column(self) -> "NumberFile":
        """Check that each line has one number, and return the same object.

        Raises
        ------
        InputError
            If lines have several numbers.
        """
        if self.values.shape[1] != 1:
            raise InputError(f"{self.name} line 1: {self.values.shape[1]} numbers, where one is expected")
        return self


def read(
    path: str | os.PathLike[str], options: ReadOptions, settings: GraphSettings, fitted_spec: GraphSpec | None = None
) -> Records:
    """Read a TU Dortmund data set from a folder or an archive into a table with the column ``graph``.

    The columns ``label`` (class of the graph, as text) and ``value``, ``value2``, ... (numeric attributes of the graph)
    are added if the data set has files of them. Repeated edges are kept once. ``options`` and ``fitted_spec`` are not
    used.

    Raises
    ------
    InputError
        If a file is missing or invalid, if files contradict each other, if there are several data sets and
        ``settings.dataset`` is None, or if there is no data set of that name. The message names the file, and the
        line if one is invalid.
    """
    found = list_media_files(path, ENDINGS)
    sets: dict[str, dict[str, MediaFile]] = {}
    for item in found.files:
        matched = re.fullmatch(rf"(.*)_({'|'.join((*PARTS, *IGNORED))})\.txt", item.name, re.IGNORECASE)
        if matched:
            part = next(known for known in (*PARTS, *IGNORED) if known.lower() == matched[2].lower())
            sets.setdefault(matched[1], {})[part] = item
    reading = _to_records(_choose(sets, settings.dataset, found.source), found.source)
    return replace(reading, notes=(*found.notes, *reading.notes))


def _choose(sets: Mapping[str, Mapping[str, MediaFile]], wanted: str | None, source: str) -> Mapping[str, MediaFile]:
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


def _to_records(files: Mapping[str, MediaFile], source: str) -> Records:
    for part in ("A", "graph_indicator"):
        if part not in files:
            raise InputError(f"{source}: there is no file ..._{part}.txt, which says {_MEANINGS[part]}")
    notes = []
    graph = _numbers(files["graph_indicator"]).check_single_column()
    graph_of_node = graph.as_integers()[:, 0]
    labels = _numbers(files["graph_labels"]).check_single_column() if "graph_labels" in files else None
    values = _numbers(files["graph_attributes"]) if "graph_attributes" in files else None
    count = _count_graphs(graph, graph_of_node, [lines for lines in (labels, values) if lines is not None])
    nodes = np.bincount(graph_of_node - 1, minlength=count)
    # Nodes of a graph may be scattered over the file; sort them by graph, stably.
    order = graph_of_node.argsort(kind="stable")
    new_number = np.empty(len(order), np.int64)
    new_number[order] = np.arange(len(order))
    edges = _numbers(files["A"], width=2)
    edge_index, repeated = _edges(edges, graph_of_node, graph.name)
    if repeated:
        notes.append(f"{repeated:,} of {len(edges.values):,} edges are repeated and count once")
    edge_index = new_number[edge_index]
    edge_index = edge_index[:, graph_of_node[order][edge_index[0]].argsort(kind="stable")]
    per_graph = np.bincount(graph_of_node[order][edge_index[0]] - 1, minlength=count)
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
        None if (of := _node_file(files, "node_labels", graph)) is None else of.as_integers()[order],
        None if (of := _node_file(files, "node_attributes", graph)) is None else of.as_float32()[order],
    )  # fmt: skip
    columns = {GRAPH: packed.to_column()}
    target = None
    if values is not None:
        target = "value"
        columns |= {
            f"value{n if n > 1 else ''}": pa.array(v, from_pandas=True) for n, v in enumerate(values.values.T, start=1)
        }
    if labels is not None:
        target = LABEL
        columns[target] = pa.array([str(label) for label in labels.as_integers()[:, 0]], pa.large_string())
    return Records(pa.table(columns), tuple(notes), target)


_MEANINGS = {"A": "which nodes are joined", "graph_indicator": "to which graph each node belongs"}


def _count_graphs(graph: NumberFile, graph_of_node: ndarray, about: list[NumberFile]) -> int:
    """Check the graph numbers of a data set, and return the number of graphs, which is the largest graph number.

    Parameters
    ----------
    graph
        The file with one line per node: the number of the graph that the node belongs to. It is named in errors.
    graph_of_node
        The graph numbers in that file, which start at 1.
    about
        The files with one line per graph (class labels and attributes of graphs), if the data set has any.

    Raises
    ------
    InputError
        If a graph number is below 1, if it exceeds the number of nodes by more than a million and ``about`` is empty,
        or if the number of lines of a file in ``about`` is not the number of graphs.
    """
    last = int(graph_of_node.max(initial=0))
    if graph_of_node.min() < 1:
        line = int((graph_of_node < 1).argmax()) + 1
        raise InputError(f"{graph.name} line {line}: graph {graph_of_node[line - 1]}; graphs are numbered from 1")
    if not about and last > len(graph_of_node) + MAX_EMPTY_GRAPHS:
        line = int(graph_of_node.argmax()) + 1
        raise InputError(f"{graph.name} line {line}: graph {last}, but there are {len(graph_of_node):,} nodes")
    for lines in about:
        if len(lines.values) < last:
            line = int((graph_of_node > len(lines.values)).argmax()) + 1
            raise InputError(
                f"{graph.name} line {line}: graph {graph_of_node[line - 1]}, but {lines.name} has "
                f"{len(lines.values):,} lines"
            )
        if len(lines.values) > last:
            raise InputError(
                f"{lines.name}: {len(lines.values):,} lines, one per graph, but {graph.name} has {last:,} graphs"
            )
    return last


def _edges(edges: NumberFile, graph_of_node: ndarray, indicator: str) -> tuple[Int64[ndarray, " 2 E"], int]:
    """Return the distinct edges, with nodes numbered from 0, and the number of repeated edges.

    Parameters
    ----------
    edges
        The file of edges, with nodes numbered from 1.
    graph_of_node
        The number of the graph that each node belongs to.
    indicator
        Name of the file that ``graph_of_node`` was read from, for error messages.

    Raises
    ------
    InputError
        If an edge has a node that does not exist, or connects nodes of two graphs.
    """
    edge_index = edges.as_integers().T - 1
    outside = np.flatnonzero(((edge_index < 0) | (edge_index >= len(graph_of_node))).any(0))
    if len(outside):
        line = outside[0]
        raise InputError(
            f"{edges.name} line {line + 1}: {_shown(edges.values[line])}, but nodes are numbered from 1 to "
            f"{len(graph_of_node):,}, the number of lines of {indicator}"
        )
    across = np.flatnonzero(graph_of_node[edge_index[0]] != graph_of_node[edge_index[1]])
    if len(across):
        line, (a, b) = across[0], graph_of_node[edge_index[:, across[0]]]
        raise InputError(
            f"{edges.name} line {line + 1}: connects a node of graph {a} to one of graph {b}, according to {indicator}"
        )
    unique = np.unique(edge_index[0] * max(1, len(graph_of_node)) + edge_index[1])
    return np.stack(np.divmod(unique, max(1, len(graph_of_node)))), edge_index.shape[1] - len(unique)


def _node_file(files: Mapping[str, MediaFile], part: str, graph: NumberFile) -> NumberFile | None:
    if part not in files:
        return None
    lines = _numbers(files[part])
    if len(lines.values) != len(graph.values):
        raise InputError(
            f"{lines.name}: {len(lines.values):,} lines, one per node, but {graph.name} has {len(graph.values):,}"
        )
    return lines


def _numbers(item: MediaFile, width: int | None = None) -> NumberFile:
    """Read a text file of comma-separated numbers.

    Each line must have ``width`` numbers; None means as many as the first line.

    Raises
    ------
    InputError
        If the file cannot be read, or a line is invalid.
    """
    try:
        data = item.read().replace(b"\r\n", b"\n").rstrip() + b"\n"
    except (OSError, UnreadableFileError) as error:
        raise InputError(f"{item.name}: cannot be read: {error}") from None
    width = width or data.partition(b"\n")[0].count(b",") + 1
    if width > MAX_COLUMNS:
        raise InputError(f"{item.name} line 1: {width:,} numbers; at most {MAX_COLUMNS:,} are read")
    names = [str(n) for n in range(width)]
    try:
        table = csv.read_csv(
            BytesIO(data),
            read_options=csv.ReadOptions(column_names=names, use_threads=False),
            parse_options=csv.ParseOptions(ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, pa.float64()), null_values=[]),
        )
        return NumberFile(item.name, np.stack([column.to_numpy() for column in table.columns], 1))
    except (pa.ArrowException, ValueError):
        raise InputError(_error_text(item.name, data, width)) from None


def _error_text(name: str, data: bytes, width: int) -> str:
    expected = "one number" if width == 1 else f"{width} numbers between commas"
    for number, line in enumerate(data.split(b"\n")[:-1], start=1):
        cells = line.split(b",")
        if len(cells) != width or not all(map(_is_number, cells)):
            return f"{name} line {number}: {printable(line, 40)!r}, where {expected} should be"
    return f"{name}: not lines of {expected}"


def _is_number(cell: bytes) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _shown(values: ndarray) -> str:
    return ", ".join(f"{value:g}" for value in values)
