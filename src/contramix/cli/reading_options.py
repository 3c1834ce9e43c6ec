"""Declare the options for reading data once for all commands, and print notes about the data that were read."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, cast

import typer

from contramix.cli.flags import with_flags
from contramix.errors import InputError
from contramix.recipes import domains
from contramix.runtime.terminal import Throttled

if TYPE_CHECKING:
    import pyarrow as pa

    from contramix.cli.app import Output
    from contramix.io.options import ReadOptions
    from contramix.io.records import RecordChunks, Records


def read_options(
    delimiter: Annotated[
        str | None, typer.Option(help="Delimiter of a CSV file, such as ';' or '\\t'. Detected by default.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of a CSV or text file that is not UTF-8, such as latin-1.")
    ] = None,
    decimal: Annotated[str | None, typer.Option(help="Decimal mark of a CSV file: '.' or ','.")] = None,
    header: Annotated[
        bool | None,
        typer.Option("--header/--no-header", help="Whether the first line of a CSV file holds the column names."),
    ] = None,
    missing: Annotated[
        list[str] | None,
        typer.Option(help="Cell text that means a missing value. May be repeated. Replaces the default list."),
    ] = None,
    on_bad_rows: Annotated[
        str, typer.Option(help="What to do with a CSV row of the wrong length: 'fail', or 'skip' and count it.")
    ] = "fail",
    on_bad_files: Annotated[
        str, typer.Option(help="What to do with a file that cannot be read: 'skip' it with a note, or 'fail'.")
    ] = "skip",
) -> "ReadOptions":
    """Convert options of the command line to reading options; the help of each option explains it."""
    from contramix.io.options import MISSING_MARKERS, ReadOptions

    return ReadOptions(
        delimiter=delimiter,
        encoding=encoding,
        decimal=decimal,
        header=header,
        missing=MISSING_MARKERS if missing is None else tuple(missing),
        on_bad_rows=cast(Literal["fail", "skip"], on_bad_rows),
        on_bad_files=cast(Literal["fail", "skip"], on_bad_files),
    )


DomainName = Annotated[
    str | None,
    typer.Option("--domain", help=f"The kind of data: {', '.join(domains())}. By default it is inferred from DATA."),
]
DATA_DIR = inspect.Parameter(
    "data_dir",
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        Path | None,
        typer.Option(
            help="Folder of official data sets, for DATA given by name: cifar10, cifar100, fashion-mnist, "
            "speech-commands-v0.01 or -v0.02. Default: the environment variable CONTRAMIX_DATA. Checksums are verified."
        ),
    ],
)
MAX_NAMED_FILES = 20
"""Maximum number of unreadable files that are named in notes; the JSON result names all of them."""


def print_reading_notes(reading: "Records | RecordChunks", output: "Output") -> None:
    """Print notes about the data, such as the detected delimiter, and about files that could not be read."""
    for note in reading.notes:
        output.note(note)
    for bad in reading.bad_files[:MAX_NAMED_FILES]:
        output.note(f"{bad.file}: {bad.reason}; left out")
    if reading.bad_files[MAX_NAMED_FILES:]:
        output.note(f"... and {len(reading.bad_files) - MAX_NAMED_FILES:,} more files; --json names all")


def with_progress(options: "ReadOptions", output: "Output", target: str | None = None) -> "ReadOptions":
    """Return a copy of the options with the name of the target column, and with a callback that prints progress."""
    show = Throttled(output.print_status)
    return replace(options, progress=lambda done, n: show(f"reading: {done:,} of {n:,} files"), target=target)


def row_counter(output: "Output", total: int) -> Callable[[int], None]:
    """Return a callback that prints how many rows are embedded, out of ``total``.

    It is called after each batch, with the number of rows in the batch.
    """
    show, done = Throttled(output.print_status), 0

    def progress(more: int) -> None:
        nonlocal done
        done += more
        show(f"embedding: {done:,} of {total:,} rows")

    return progress


def unreadable_files(*readings: "Records | RecordChunks | None") -> dict[str, Any]:
    """Return ``{"bad_files": [...]}``, the file and reason of each file that could not be read, for the JSON result.

    The dictionary is empty if all files could be read.
    """
    bad = [
        {"file": bad.file, "reason": with_flags(bad.reason)}
        for reading in readings
        if reading
        for bad in reading.bad_files
    ]
    return {"bad_files": bad} if bad else {}


def resolve_target(reading: "Records", target: str | None) -> str:
    """Return the column to predict: ``target``, or the labels that come with the data if it is None.

    Raises
    ------
    InputError
        If no target is given and the data come without labels.
    """
    if target is not None:
        return target
    if reading.target is None:
        raise InputError(
            "--target: name the column to predict; these data come without labels (for files: put those of each class "
            "into a folder with its name)"
        )
    return reading.target


def drop_unlabeled(table: "pa.Table", reading: "Records", target: str, output: "Output") -> "pa.Table":
    """Remove records without a label, with a note, if the target is the labels that come with the data.

    For any other target the table is returned unchanged.

    Parameters
    ----------
    table
        Records to filter, with the column ``target``.
    reading
        What was read, which names the column of the labels that come with the data.
    target
        Column to predict.
    output
        Where the note is printed.
    """
    if reading.target != target or not table.column(target).null_count:
        return table
    output.note(f"{table.column(target).null_count:,} of {table.num_rows:,} records have no {target} and are left out")
    return table.filter(table.column(target).is_valid())


class LabeledData(NamedTuple):
    """Collect the records and the target that evaluate and compare use.

    Parameters
    ----------
    readings
        What was read from the data and from the test file, if there is one.
    target
        Column to predict.
    training, test
        Labeled records for training and testing. ``test`` is None if the data have no official test split.
    """

    readings: "tuple[Records, Records | None]"
    target: str
    training: "pa.Table"
    test: "pa.Table | None"

    @property
    def facts(self) -> dict[str, Any]:
        """Return unreadable files and the numbers of labeled training and test records, for the JSON result."""
        test = None if self.test is None else self.test.num_rows
        return {**unreadable_files(*self.readings), "labelled": {"training": self.training.num_rows, "test": test}}


def read_labeled(
    read: "Callable[[Path], Records]", data: Path, test: Path | None, target: str | None, output: "Output"
) -> LabeledData:
    """Read labeled training and test records, and print notes about them.

    Parameters
    ----------
    read
        Function that reads the records of a path.
    data
        Path of the data.
    test
        Path of test data. None: the official test split of the data, if there is one, is used.
    target
        Column to predict. None: the labels that come with the data.
    output
        Where notes are printed.
    """
    reading, test_reading = read(data), read(test) if test else None
    for each in (reading, test_reading):
        if each is not None:
            print_reading_notes(each, output)
    target = resolve_target(reading, target)
    held_out = test_reading.table if test_reading else reading.test
    training = drop_unlabeled(reading.training, reading, target, output)
    held_out = None if held_out is None else drop_unlabeled(held_out, reading, target, output)
    return LabeledData((reading, test_reading), target, training, held_out)


def columns_to_copy(table: "pa.Table", context: Sequence[str], keep: Sequence[str], out: "Path") -> list[str]:
    """Return the names of columns to copy to the output file: those that identify records, and those given by --keep.

    Parameters
    ----------
    table
        Table with the columns of the data.
    context
        Columns that identify records, such as file and label; empty for tables.
    keep
        Columns given by --keep.
    out
        Output file. CSV files get no nested columns, and .npy files no columns that identify records.

    Raises
    ------
    InputError
        If a column of ``keep`` holds images or other inputs of the model, or values that a CSV file cannot hold.
    """
    from pyarrow.types import is_nested

    from contramix.io.records import is_text

    names = table.column_names
    for name in keep:
        if name in names and context and name not in context and not is_text(table.schema.field(name).type):
            raise InputError(f"--keep: {name!r} is the input itself; known: {', '.join(context)}")
        if name in names and out.suffix == ".csv" and is_nested(table.schema.field(name).type):
            raise InputError(
                f"--keep: a CSV cell cannot hold column {name!r} ({table.schema.field(name).type}); write .parquet"
            )
    written = [name for name in context if out.suffix != ".csv" or not is_nested(table.schema.field(name).type)]
    return list(dict.fromkeys([*(written if out.suffix != ".npy" else ()), *keep]))


def reads_data(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command: add the options for reading data, and pass them to it as one argument, ``options``.

    Names of official data sets in its arguments ``data`` and ``test`` are replaced with the paths of their files.
    """
    ours = inspect.signature(read_options).parameters
    theirs = inspect.signature(command).parameters

    @wraps(command)
    def with_options(**given: Any) -> None:
        from contramix.datasets.official import find_data

        options, data_dir = read_options(**{name: given.pop(name) for name in ours}), given.pop("data_dir")
        for name in ("data", "test"):
            if given.get(name) is not None:
                given[name] = find_data(given[name], data_dir)
        command(options=options, **given)

    shown = [p for name, p in theirs.items() if name != "options"]
    for option in (*ours.values(), DATA_DIR):
        option.annotation.__metadata__[0].rich_help_panel = "Records"
        shown.append(option)
    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in shown]
    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in parameters}
    return with_options
