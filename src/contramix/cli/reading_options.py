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
    backbone_cache: Annotated[
        Path | None,
        typer.Option(
            help="Folder in which the vectors of a backbone are kept, so that none is computed twice. "
            "Default: 'vectors' in the run's folder."
        ),
    ] = None,
) -> "ReadOptions":
    """Build the ReadOptions of a command from its command-line options for reading data.

    The help text of each option describes it.
    """
    from contramix.io.options import MISSING_MARKERS, ReadOptions

    return ReadOptions(
        delimiter=delimiter,
        encoding=encoding,
        decimal=decimal,
        header=header,
        missing=MISSING_MARKERS if missing is None else tuple(missing),
        on_bad_rows=cast(Literal["fail", "skip"], on_bad_rows),
        on_bad_files=cast(Literal["fail", "skip"], on_bad_files),
        vectors=backbone_cache,
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
    """Print the notes of data that were read, such as the detected delimiter, and names of files that were skipped.

    ``reading`` is what a domain's reader returned. At most 20 skipped files are named, each with the reason.
    """
    for note in reading.notes:
        output.note(note)
    for bad in reading.bad_files[:MAX_NAMED_FILES]:
        output.note(f"{bad.file}: {bad.reason}; left out")
    if reading.bad_files[MAX_NAMED_FILES:]:
        output.note(f"... and {len(reading.bad_files) - MAX_NAMED_FILES:,} more files; --json names all")


def with_progress(
    options: "ReadOptions", output: "Output", target: str | None = None, vectors: Path | None = None
) -> "ReadOptions":
    """Return a copy of the reading options with callbacks that print progress, and with what a command knows.

    Parameters
    ----------
    options
        Options for reading files.
    output
        Where progress is printed.
    target
        Name of the column to predict; None: it is not known.
    vectors
        Folder in which the vectors of a backbone are kept if the options name none.
    """
    show = Throttled(output.print_status)
    return replace(
        options,
        target=target,
        progress=lambda done, n: show(f"reading: {done:,} of {n:,} files"),
        vectors=options.vectors or vectors,
        vectors_progress=lambda done, n: show(f"backbone: {done:,} of {n:,} vectors"),
    )


def row_counter(output: "Output", total: int) -> Callable[[int], None]:
    """Return a callback that prints how many of ``total`` rows have been embedded so far.

    The callback takes the number of rows in a batch, and must be called after each batch.
    """
    show, done = Throttled(output.print_status), 0

    def progress(more: int) -> None:
        nonlocal done
        done += more
        show(f"embedding: {done:,} of {total:,} rows")

    return progress


def unreadable_files(*readings: "Records | RecordChunks | None") -> dict[str, Any]:
    """Return the files that could not be read, as an entry of the JSON result of a command.

    ``readings`` are what the readers of one or more inputs returned; None is ignored. The result is
    ``{"bad_files": [{"file": ..., "reason": ...}, ...]}``, or an empty dictionary if all files could be read.
    """
    bad = [
        {"file": bad.file, "reason": with_flags(bad.reason)}
        for reading in readings
        if reading
        for bad in reading.bad_files
    ]
    return {"bad_files": bad} if bad else {}


def resolve_target(reading: "Records", target: str | None) -> str:
    """Return the name of the column to predict.

    This is ``target``, the value of --target. If it is None, this is the column of labels that come with the data, such
    as the names of class folders.

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


class LabeledData(NamedTuple):
    """Store the training and test records for the commands evaluate and compare.

    Parameters
    ----------
    readings
        All records of DATA, and all records of the file given by --test (None without --test).
    target
        Column to predict.
    training, test
        Records for training and testing, whose target may be missing. ``test`` is None if there is neither --test nor
        an official test split.
    """

    readings: "tuple[Records, Records | None]"
    target: str
    training: "pa.Table"
    test: "pa.Table | None"

    @property
    def facts(self) -> dict[str, Any]:
        """Return entries of the JSON result: unreadable files, and the numbers of labeled records.

        The key ``"labelled"`` holds the numbers of ``training`` and ``test`` records. The key ``"bad_files"`` holds the
        unreadable files, if there are any.
        """
        counts = [
            None if table is None else table.num_rows - table.column(self.target).null_count
            for table in (self.training, self.test)
        ]
        return {**unreadable_files(*self.readings), "labelled": dict(zip(("training", "test"), counts))}


def read_labeled(
    read: "Callable[[Path], Records]", data: Path, test: Path | None, target: str | None, output: "Output"
) -> LabeledData:
    """Read training and test records, and print notes about them.

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
    return LabeledData((reading, test_reading), target, reading.training, held_out)


def columns_to_copy(table: "pa.Table", context: Sequence[str], keep: Sequence[str], out: "Path") -> list[str]:
    """Return the names of the columns that are copied from the data to the output file: ``context``, then ``keep``.

    Parameters
    ----------
    table
        Table with the columns of the data.
    context
        Columns that identify records, such as file and label; empty for tables. They are left out for a .npy file, and
        those with nested values are left out for a .csv file.
    keep
        Columns given by --keep.
    out
        Path of the output file, whose suffix says the format.

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
    """Decorate a command function to add the options for reading data, such as --delimiter.

    The function receives these options as one argument: ``options``, of type ReadOptions. If its argument ``data``,
    ``test`` or ``unlabeled`` is the name of an official data set, such as "cifar10", it receives the path of the files
    instead.
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
