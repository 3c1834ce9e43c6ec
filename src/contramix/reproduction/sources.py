"""Define the data sets that suites use, find their files and load them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy import ndarray

from contramix.datasets.official import OFFICIAL, find_data, find_file_or_gz
from contramix.errors import InputError, nearest
from contramix.io.records import LABEL
from contramix.io.tables.canonical import to_canonical
from contramix.recipe import Recipe
from contramix.reproduction import splits, synthetic_data
from contramix.reproduction.splits import Splits


@dataclass(frozen=True)
class Source:
    """Describe a data set: its files, where they are published, and how its records are split.

    Parameters
    ----------
    domain
        Domain of the records, such as "table" or "image".
    files, url
        Names of the publisher's files, all of which are needed, and the URL where they are published. Alternatively,
        ``files`` holds one key of ``contramix.datasets.official.OFFICIAL``, which lists the files and their checksums.
        Checksums are then verified.
    split
        Function that reads the files in the order of ``files``, with the data settings of a recipe, and returns the
        training and test records.
    synthetic
        Function that generates records in the same format, to test that a suite runs without the files.
    records, columns
        Total number of training and test records, and number of columns, of the official files. If loaded data differ,
        an error is raised. None: no check.
    shipped
        Function that reads the rows of the data set that ship with the package. The scale "cpu" uses them. None: the
        package ships no rows of this data set.
    """

    domain: str
    files: tuple[str, ...]
    url: str
    split: Callable[[list[Path], Recipe], Splits]
    synthetic: Callable[[], Splits]
    records: int | None = None
    columns: int | None = None
    shipped: Callable[[], Splits] | None = None


def find(name: str, data_dir: Path | None, given: Path | None = None) -> list[Path]:
    """Find the files of a data set, at the path that the user gave or by the publisher's file names in a folder.

    Parameters
    ----------
    name
        Name of the data set, a key of ``SOURCES``.
    data_dir
        Folder that is searched, together with its direct subfolders. None: no folder is searched.
    given
        Path of the file, or of the folder with the files, that the user gave. None: ``data_dir`` is searched.

    Raises
    ------
    InputError
        If a file is missing. The message says where to download it.
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
        for folder in [data_dir, *(path for path in sorted(data_dir.iterdir()) if path.is_dir())]:
            found = _all_in(folder, source.files)
            if found is not None:
                return found
    files = ", ".join(source.files)
    where = "give `data_dir=DIR`, or set CONTRAMIX_DATA" if data_dir is None else f"it is not in {data_dir}"
    raise InputError(f"{name}: needs {files} from {source.url}; {where} (or `data={name}=PATH`)")


def _all_in(folder: Path, names: Sequence[str]) -> list[Path] | None:
    """Return the paths of all named files or subfolders of a folder, or None if one of them is missing.

    A file may also have the suffix ``.gz`` in addition to its name.
    """
    paths = [path if path.is_dir() else find_file_or_gz(path) for path in (folder / name for name in names)]
    found = [path for path in paths if path is not None]
    return found if len(found) == len(paths) else None


def load(name: str, files: list[Path], recipe: Recipe, as_is: bool = False) -> Splits:
    """Read the training and test records of a data set from its files, and check the numbers of records and columns.

    Parameters
    ----------
    name
        Name of the data set, a key of ``SOURCES``.
    files
        Files of the data set, as :func:`find` returns them.
    recipe
        Recipe whose data settings, such as the image size, are used for reading.
    as_is
        If True, the numbers of records and columns may differ from those of the official files.

    Raises
    ------
    InputError
        If the target column is missing, or if the number of records or columns is not the official one.
    """
    source = SOURCES[name]
    loaded = source.split(files, recipe)
    tables = [table for table in (loaded.train, loaded.test) if table is not None]
    found = sum(table.num_rows for table in tables), tables[0].num_columns
    where = " and ".join(map(str, files))
    if loaded.target not in loaded.train.column_names:
        hint = nearest(loaded.target, loaded.train.column_names)
        raise InputError(f"{name}: {where}: no column {loaded.target!r}; {hint}")
    for count, official, unit in zip(found, (source.records, source.columns), ("records", "columns")):
        if not as_is and official not in (None, count):
            raise InputError(
                f"{name}: {where}: {count:,} {unit}, but the official files have {official:,}; to use another file as "
                f"it is, give `data={name}=PATH`"
            )
    return loaded


def _synthetic(make: Callable[[], pa.Table], target: str, with_test: bool = True) -> Splits:
    table = to_canonical(make()) if target != LABEL else make()
    rows = table.num_rows * 3 // 4
    return Splits(table.slice(0, rows), table.slice(rows), target) if with_test else Splits(table, None, target)


def _table(target: str, columns: int, categorical: int = 0, regression: bool = False) -> Callable[[], Splits]:
    return partial(_synthetic, partial(synthetic_data.table, target, columns, categorical, regression), target)


def _images(*shape: int) -> Callable[[], Splits]:
    return partial(_synthetic, partial(synthetic_data.images, shape), LABEL)


def _tu(name: str, graphs: int) -> Source:
    return Source(
        "graph", (f"{name}.zip",), "https://chrsmrrs.github.io/datasets", splits.graphs,
        partial(_synthetic, synthetic_data.graphs, LABEL, with_test=False), graphs,
    )  # fmt: skip


UCI = "https://archive.ics.uci.edu"
CIFAR, MNIST = "https://www.cs.toronto.edu/~kriz/cifar.html", "https://github.com/zalandoresearch/fashion-mnist"

SOURCES: dict[str, Source] = {
    "covtype": Source(
        "table", ("covtype.data.gz",), UCI, splits.covtype, splits.shipped_covtype, shipped=splits.shipped_covtype
    ),
    "higgs-100k": Source("table", ("HIGGS.csv.gz",), UCI, partial(splits.higgs, 100_000), _table("label", 28)),
    "higgs-1m": Source("table", ("HIGGS.csv.gz",), UCI, partial(splits.higgs, 1_000_000), _table("label", 28)),
    "adult": Source("table", ("adult.data", "adult.test"), UCI, splits.adult, _table("income", 6, 8), 48_842, 15),
    "bank": Source("table", ("bank-full.csv",), UCI, partial(splits.every_fifth, "y"), _table("y", 7, 9), 45_211, 17),
    "credit": Source(
        "table", ("UCI_Credit_Card.csv",), "https://www.kaggle.com/datasets/uciml", splits.credit,
        _table("default.payment.next.month", 14, 3), 30_000, 24,
    ),
    "california": Source(
        "table", ("housing.csv",), "https://github.com/ageron/handson-ml2",
        partial(splits.every_fifth, "median_house_value"), _table("median_house_value", 8, 1, True), 20_640, 10,
    ),
    "fashion-mnist-pixels": Source("table", ("fashion-mnist",), MNIST, splits.pixels, _table("label", 49)),
    "cifar10-pixels": Source("table", ("cifar10",), CIFAR, splits.pixels, _table("label", 48)),
    "cifar10": Source("image", ("cifar10",), CIFAR, splits.official, _images(16, 16, 3)),
    "cifar100": Source("image", ("cifar100",), CIFAR, splits.official, _images(16, 16, 3)),
    "imagenet": Source("image", ("ILSVRC2012",), "https://www.image-net.org", splits.official, _images(32, 32, 3)),
    "imagenet-tenth": Source(
        "image", ("ILSVRC2012",), "https://www.image-net.org", splits.tenth_of_classes, _images(32, 32, 3)
    ),
    "speech": Source(
        "audio", ("speech-commands-v0.01",), "http://download.tensorflow.org/data/speech_commands_v0.01.tar.gz",
        splits.official, partial(_synthetic, synthetic_data.clips, LABEL),
    ),
    "MUTAG": _tu("MUTAG", 188),
    "PTC_MR": _tu("PTC_MR", 344),
    "IMDB-BINARY": _tu("IMDB-BINARY", 1000),
    "IMDB-MULTI": _tu("IMDB-MULTI", 1500),
    "REDDIT-BINARY": _tu("REDDIT-BINARY", 2000),
}  # fmt: skip
"""Data sets, by the names that suites use."""


def sample_rows(table: pa.Table, rows: int | None, seed: int = 0) -> pa.Table:
    """Return a random sample of the rows of a table, drawn without replacement. The order of rows is kept.

    Parameters
    ----------
    table
        The table to sample from.
    rows
        Number of rows to sample. If it is None, or not smaller than the number of rows of the table, all rows are
        returned.
    seed
        Seed of the sample.
    """
    if rows is None or rows >= table.num_rows:
        return table
    taken: ndarray = np.sort(np.random.default_rng(seed).permutation(table.num_rows)[:rows])
    return table.take(pa.array(taken))
