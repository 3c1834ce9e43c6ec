"""The options by which commands read data, declared once, and what is said of what was read."""

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
        str, typer.Option(help="What to do with a CSV row of the wrong length: 'fail', or 'skip' it and count it.")
    ] = "fail",
    on_bad_files: Annotated[
        str, typer.Option(help="What to do with a file that cannot be read: 'skip' it with a note, or 'fail'.")
    ] = "skip",
) -> "ReadOptions":
    """Return the reading options that were given on the command line."""
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
SHOWN = 20
"""Maximum number of unreadable files that are named in notes; the JSON result names all of them."""


def tell(reading: "Records | RecordChunks", output: "Output") -> None:
    """Print notes on what was inferred and on the files that could not be read."""
    for note in reading.notes:
        output.note(note)
    for bad in reading.bad_files[:SHOWN]:
        output.note(f"{bad.file}: {bad.reason}; left out")
    if reading.bad_files[SHOWN:]:
        output.note(f"... and {len(reading.bad_files) - SHOWN:,} more files; --json names all")


def watching(options: "ReadOptions", output: "Output", target: str | None = None) -> "ReadOptions":
    """The options, with the progress of decoding shown, in place on a terminal, as a line now and then elsewhere; and
    with the column that is to be predicted."""
    show = Throttled(output.status)
    return replace(options, progress=lambda done, n: show(f"reading: {done:,} of {n:,} files"), target=target)


def counting(output: "Output", total: int) -> Callable[[int], None]:
    """Return a function that counts embedded rows and shows how many are done."""
    show, done = Throttled(output.status), 0

    def progress(more: int) -> None:
        nonlocal done
        done += more
        show(f"embedding: {done:,} of {total:,} rows")

    return progress


def left_out(*readings: "Records | RecordChunks | None") -> dict[str, Any]:
    """Return the files that could not be read, as part of the JSON result; an empty dict if there are none."""
    bad = [
        {"file": bad.file, "reason": with_flags(bad.reason)}
        for reading in readings
        if reading
        for bad in reading.bad_files
    ]
    return {"bad_files": bad} if bad else {}


def target_of(reading: "Records", target: str | None) -> str:
    """Return the column to predict: the one that was given, or the labels that come with the data.

    Raises
    ------
    InputError
        If there is neither.
    """
    if target is not None:
        return target
    if reading.target is None:
        raise InputError(
            "--target: name the column to predict; these data carry no labels of their own (of files: put "
            "each class into a folder of its name)"
        )
    return reading.target


def labelled(table: "pa.Table", reading: "Records", target: str, output: "Output") -> "pa.Table":
    """Return the records that have a label, if the target is the labels that come with the data."""
    if reading.target != target or not table.column(target).null_count:
        return table
    output.note(f"{table.column(target).null_count:,} of {table.num_rows:,} records have no {target} and are left out")
    return table.filter(table.column(target).is_valid())


class Labelled(NamedTuple):
    """What evaluate and compare work on: what was read, the column to predict, training and official test records."""

    readings: "tuple[Records, Records | None]"
    target: str
    training: "pa.Table"
    test: "pa.Table | None"

    @property
    def facts(self) -> dict[str, Any]:
        """For the result's JSON: what could not be read, and how many records were left."""
        test = None if self.test is None else self.test.num_rows
        return {**left_out(*self.readings), "labelled": {"training": self.training.num_rows, "test": test}}


def read_labelled(
    read: "Callable[[Path], Records]", data: Path, test: Path | None, target: str | None, output: "Output"
) -> Labelled:
    """Read data, and a test file if there is one; else the test part is the data's own, if they have one."""
    reading, test_reading = read(data), read(test) if test else None
    for each in (reading, test_reading):
        if each is not None:
            tell(each, output)
    target = target_of(reading, target)
    held_out = test_reading.table if test_reading else reading.test
    training = labelled(reading.training, reading, target, output)
    held_out = None if held_out is None else labelled(held_out, reading, target, output)
    return Labelled((reading, test_reading), target, training, held_out)


def carried(table: "pa.Table", beside: Sequence[str], keep: Sequence[str], out: "Path") -> list[str]:
    """The columns to write in front of a result: those that say which record a row is, and those asked for.

    Raises
    ------
    InputError
        A column that is asked for is the input itself, or cannot be written so.
    """
    from pyarrow.types import is_nested

    from contramix.io.records import is_text

    names = table.column_names
    for name in keep:
        if name in names and beside and name not in beside and not is_text(table.schema.field(name).type):
            raise InputError(f"--keep: {name!r} is the input itself; known: {', '.join(beside)}")
        if name in names and out.suffix == ".csv" and is_nested(table.schema.field(name).type):
            raise InputError(
                f"--keep: a CSV cell cannot hold column {name!r}, of {table.schema.field(name).type}: write .parquet"
            )
    written = [name for name in beside if out.suffix != ".csv" or not is_nested(table.schema.field(name).type)]
    return list(dict.fromkeys([*(written if out.suffix != ".npy" else ()), *keep]))


def reads_data(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options too; it gets them as one argument, ``options``."""
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
