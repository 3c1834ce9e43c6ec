"""The data sets of the suites: where their files are from, and how the published protocols cut them into parts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy import ndarray

from contramix.datasets import COVTYPE
from contramix.datasets.official import OFFICIAL, find_data, packed_or_not
from contramix.domains import DOMAINS
from contramix.errors import InputError, nearest
from contramix.io.options import ReadOptions
from contramix.io.records import LABEL, SPLIT
from contramix.io.tables.canonical import to_canonical
from contramix.io.tables.chunks import read_chunks
from contramix.io.tables.opening import open_decompressed
from contramix.io.tables.reading import read
from contramix.recipe import Recipe
from contramix.reproduction import synthetic_data

NO_HEADER = ReadOptions(header=False)
COVTYPE_ROWS, COVTYPE_TRAINING = 581_012, 15_120
HIGGS_TEST = 500_000
ADULT = (
    *("age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship"),
    *("race", "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income"),
)


class Parts(NamedTuple):
    """Labelled records, cut as published."""

    train: pa.Table
    test: pa.Table | None
    """None: none is official."""
    target: str


@dataclass(frozen=True)
class Source:
    """A data set.

    Parameters
    ----------
    domain
        Whose records they are.
    files, url
        The files as their publisher calls them, all of which are needed, and where they are from. A name of
        ``contramix.datasets.official`` stands for its files, which are verified.
    parts
        From the files, in that order, and a recipe for such data, to the published parts.
    records, columns
        How many the official files hold; None: their checksums are verified, or nobody counts them.
    stand_in
        Records of the same form, generated: they show that a suite runs, and nothing else.
    ships
        A part of it that comes with the package, and is taken at smaller scales than the published one.
    """

    domain: str
    files: tuple[str, ...]
    url: str
    parts: Callable[[list[Path], Recipe], Parts]
    stand_in: Callable[[], Parts]
    records: int | None = None
    columns: int | None = None
    ships: Callable[[], Parts] | None = None


def find(name: str, data_dir: Path | None, given: Path | None = None) -> list[Path]:
    """The files of a data set: those given, or found by their names in ``data_dir`` or a folder of it.

    Raises
    ------
    InputError
        If they are not there.
    """
    source = SOURCES[name]
    if given is not None:
        if not given.exists():
            raise InputError(f"`data={name}={given}`: there is no such file or folder")
        if len(source.files) == 1:
            return [given]
        found = _all_in(given, source.files) if given.is_dir() else None
        if found is None:
            raise InputError(f"`data={name}={given}`: give a folder with {' and '.join(source.files)}")
        return found
    if source.files[0] in OFFICIAL:
        return [find_data(Path(source.files[0]), data_dir)]
    if data_dir is not None:
        places = [data_dir, *(place for place in sorted(data_dir.iterdir()) if place.is_dir())]
        for place in places:
            found = _all_in(place, source.files)
            if found is not None:
                return found
    files = ", ".join(source.files)
    where = "give `data_dir=DIR`, or set CONTRAMIX_DATA" if data_dir is None else f"it is not in {data_dir}"
    raise InputError(f"{name}: needs {files} from {source.url}; {where} (or `data={name}=PATH`)")


def _all_in(place: Path, names: Sequence[str]) -> list[Path] | None:
    """Files or folders of a folder, files packed or not; None: one is not there."""
    there = [path if path.is_dir() else packed_or_not(path) for path in (place / name for name in names)]
    found = [path for path in there if path is not None]
    return found if len(found) == len(there) else None


def load(name: str, files: list[Path], recipe: Recipe, as_is: bool = False) -> Parts:
    """The parts of a data set, from its files.

    Raises
    ------
    InputError
        If they are not whole, unless they are to be taken as they are.
    """
    source = SOURCES[name]
    parts = source.parts(files, recipe)
    tables = [part for part in (parts.train, parts.test) if part is not None]
    found = sum(table.num_rows for table in tables), tables[0].num_columns
    where = " and ".join(map(str, files))
    if parts.target not in parts.train.column_names:
        raise InputError(
            f"{name}: {where}: no column {parts.target!r}; {nearest(parts.target, parts.train.column_names)}"
        )
    for there, wanted, what in zip(found, (source.records, source.columns), ("records", "columns")):
        if not as_is and wanted not in (None, there):
            raise InputError(
                f"{name}: {where}: {there:,} {what}, and {wanted:,} are published; another file is taken as it is by "
                f"`data={name}=PATH`"
            )
    return parts


def _own(files: list[Path], recipe: Recipe) -> Parts:
    """What carries its labels and official parts itself."""
    reading = DOMAINS[recipe.domain].read(files[0], ReadOptions(), recipe.data)
    if reading.target is None:
        raise InputError(f"{files[0]}: carries no labels")
    table, test = reading.table, reading.test
    if test is None and "valid" in reading.splits:  # ImageNet's, whose test labels are not public
        test = table.filter(pc.equal(table[SPLIT], "valid"))
    return Parts(reading.training, test, reading.target)


def _tenth_of_classes(files: list[Path], recipe: Recipe) -> Parts:
    """Records of every tenth class, by name. NOTE[DIFF]: which of ImageNet's classes i-Mix takes is not published."""
    train, test, target = _own(files, recipe)
    classes = pa.array(sorted(pc.unique(train[target]).to_pylist())[::10])
    mine = [None if part is None else part.filter(pc.is_in(part[target], classes)) for part in (train, test)]
    return Parts(mine[0], mine[1], target)


def _graphs(files: list[Path], recipe: Recipe) -> Parts:
    parts = _own(files, recipe)
    return parts._replace(test=None)


def _pixels(files: list[Path], recipe: Recipe) -> Parts:
    """Pixels of images as the columns of a table, in an order drawn once."""
    images = _own(files, Recipe.load("npair", domain="image"))
    return Parts(as_pixels(images.train), None if images.test is None else as_pixels(images.test), LABEL)


def as_pixels(images: pa.Table) -> pa.Table:
    """A table of pixel columns, permuted alike for all images of one size, and the labels."""
    values = images.column("image").combine_chunks()
    flat = values.to_numpy_ndarray().reshape(len(values), -1)
    order = np.random.default_rng(0).permutation(flat.shape[1])
    columns = {f"p{place}": flat[:, place].astype(np.float64) / 255 for place in order.tolist()}
    return pa.table({**columns, LABEL: images.column(LABEL)})


def _covtype_shipped() -> Parts:
    train, test = (read(COVTYPE / f"{part}.parquet").table for part in ("train", "test"))
    return Parts(train, test, "cover_type")


def _covtype(files: list[Path], recipe: Recipe) -> Parts:
    names = read(COVTYPE / "test.parquet").table.column_names
    table = read(files[0], NO_HEADER).table
    if table.shape != (COVTYPE_ROWS, len(names)):
        raise InputError(f"{files[0]}: {table.num_rows} x {table.num_columns}, not UCI's {COVTYPE_ROWS} x {len(names)}")
    table = table.rename_columns(names)
    return Parts(table.slice(0, COVTYPE_TRAINING), table.slice(COVTYPE_TRAINING), names[-1])


def _higgs(rows: int, files: list[Path], recipe: Recipe) -> Parts:
    """So many rows drawn from all but the last half million, which are the test part.

    NOTE[DIFF]: i-Mix's mode «1M» takes all 10.5 million rows; here it is a million.
    """
    found = read_chunks(files[0], NO_HEADER)
    rest = found.rows - HIGGS_TEST
    if rest < rows:
        raise InputError(f"{files[0]}: {found.rows:,} rows, and UCI's file has 11,000,000")
    taken = np.sort(np.random.RandomState(1).choice(rest, rows, replace=False))
    names, before, train = ["label", *(f"x{n}" for n in range(1, 29))], 0, []
    for portion in found.read_rows(0, rest):
        start, stop = np.searchsorted(taken, [before, before + portion.num_rows])
        train.append(portion.take(pa.array(taken[start:stop] - before)))
        before += portion.num_rows
    test = pa.concat_tables(found.read_rows(rest, found.rows))
    return Parts(pa.concat_tables(train).rename_columns(names), test.rename_columns(names), "label")


def _adult(files: list[Path], recipe: Recipe) -> Parts:
    train, test = (_without_remark(file).rename_columns(ADULT) for file in files)
    income = pc.replace_substring(test["income"], ".", "")
    return Parts(train, test.set_column(len(ADULT) - 1, "income", income), "income")


def _without_remark(file: Path) -> pa.Table:
    """A table without header, and without the line «|1x3 Cross validator» that UCI's test part begins with."""
    with open_decompressed(file) as stream:
        text = stream.read()
    if not text.startswith(b"|"):
        return read(file, NO_HEADER).table
    with TemporaryDirectory() as folder:
        rest = Path(folder) / file.name
        rest.write_bytes(text.partition(b"\n")[2])
        return read(rest, NO_HEADER).table


def _credit(files: list[Path], recipe: Recipe) -> Parts:
    """Kaggle's file numbers its rows."""
    table = read(files[0]).table
    return _fifths(table.drop_columns("ID") if "ID" in table.column_names else table, "default.payment.next.month")


def _every_fifth(target: str, files: list[Path], recipe: Recipe) -> Parts:
    return _fifths(read(files[0]).table, target)


def _fifths(table: pa.Table, target: str) -> Parts:
    """Of a table without official parts every fifth row, in the file's order, is the test part."""
    test = np.arange(table.num_rows) % 5 == 4
    return Parts(table.filter(pa.array(~test)), table.filter(pa.array(test)), target)


def _stand_in(make: Callable[[], pa.Table], target: str, tested: bool = True) -> Parts:
    table = to_canonical(make()) if target != LABEL else make()
    rows = table.num_rows * 3 // 4
    return Parts(table.slice(0, rows), table.slice(rows), target) if tested else Parts(table, None, target)


def _table(target: str, columns: int, levels: int = 0, quantity: bool = False) -> Callable[[], Parts]:
    return partial(_stand_in, partial(synthetic_data.table, target, columns, levels, quantity), target)


def _images(*shape: int) -> Callable[[], Parts]:
    return partial(_stand_in, partial(synthetic_data.images, shape), LABEL)


def _tu(name: str, graphs: int) -> Source:
    return Source(
        "graph", (f"{name}.zip",), "https://chrsmrrs.github.io/datasets", _graphs,
        partial(_stand_in, synthetic_data.graphs, LABEL, tested=False), graphs,
    )  # fmt: skip


UCI = "https://archive.ics.uci.edu"
CIFAR, MNIST = "https://www.cs.toronto.edu/~kriz/cifar.html", "https://github.com/zalandoresearch/fashion-mnist"

SOURCES: dict[str, Source] = {
    "covtype": Source("table", ("covtype.data.gz",), UCI, _covtype, _covtype_shipped, ships=_covtype_shipped),
    "higgs-100k": Source("table", ("HIGGS.csv.gz",), UCI, partial(_higgs, 100_000), _table("label", 28)),
    "higgs-1m": Source("table", ("HIGGS.csv.gz",), UCI, partial(_higgs, 1_000_000), _table("label", 28)),
    "adult": Source("table", ("adult.data", "adult.test"), UCI, _adult, _table("income", 6, 8), 48_842, 15),
    "bank": Source("table", ("bank-full.csv",), UCI, partial(_every_fifth, "y"), _table("y", 7, 9), 45_211, 17),
    "credit": Source(
        "table", ("UCI_Credit_Card.csv",), "https://www.kaggle.com/datasets/uciml", _credit,
        _table("default.payment.next.month", 14, 3), 30_000, 24,
    ),
    "california": Source(
        "table", ("housing.csv",), "https://github.com/ageron/handson-ml2",
        partial(_every_fifth, "median_house_value"), _table("median_house_value", 8, 1, True), 20_640, 10,
    ),
    "fashion-mnist-pixels": Source("table", ("fashion-mnist",), MNIST, _pixels, _table("label", 49)),
    "cifar10-pixels": Source("table", ("cifar10",), CIFAR, _pixels, _table("label", 48)),
    "cifar10": Source("image", ("cifar10",), CIFAR, _own, _images(16, 16, 3)),
    "cifar100": Source("image", ("cifar100",), CIFAR, _own, _images(16, 16, 3)),
    "imagenet": Source("image", ("ILSVRC2012",), "https://www.image-net.org", _own, _images(32, 32, 3)),
    "imagenet-tenth": Source(
        "image", ("ILSVRC2012",), "https://www.image-net.org", _tenth_of_classes, _images(32, 32, 3)
    ),
    "speech": Source(
        "audio", ("speech-commands-v0.01",), "http://download.tensorflow.org/data/speech_commands_v0.01.tar.gz", _own,
        partial(_stand_in, synthetic_data.clips, LABEL),
    ),
    "MUTAG": _tu("MUTAG", 188),
    "PTC_MR": _tu("PTC_MR", 344),
    "IMDB-BINARY": _tu("IMDB-BINARY", 1000),
    "IMDB-MULTI": _tu("IMDB-MULTI", 1500),
    "REDDIT-BINARY": _tu("REDDIT-BINARY", 2000),
}  # fmt: skip
"""By the names that suites use."""


def drawn(table: pa.Table, rows: int | None, seed: int = 0) -> pa.Table:
    """So many rows at most, drawn once, in their order."""
    if rows is None or rows >= table.num_rows:
        return table
    taken: ndarray = np.sort(np.random.default_rng(seed).permutation(table.num_rows)[:rows])
    return table.take(pa.array(taken))
