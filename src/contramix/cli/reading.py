"""The options by which commands read a table, declared once."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

if TYPE_CHECKING:
    from contramix.domains.table.options import ReadOptions


def read_options(
    delimiter: Annotated[
        str | None, typer.Option(help="Of a CSV, such as ';' or '\\t'; found out if not given.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of a CSV that is not UTF-8, such as latin-1.")] = None,
    decimal: Annotated[str | None, typer.Option(help="Decimal mark of a CSV: '.' or ','.")] = None,
    header: Annotated[
        bool | None, typer.Option("--header/--no-header", help="Whether a CSV's first line has names.")
    ] = None,
    missing: Annotated[
        list[str] | None,
        typer.Option(help="A cell text that means «missing»; may be repeated; replaces the list."),
    ] = None,
    on_bad_rows: Annotated[
        str, typer.Option(help="'fail' on a CSV row of wrong length, or 'skip' and count it.")
    ] = "fail",
) -> "ReadOptions":
    """The options as given on the command line."""
    from contramix.domains.table.options import MISSING_MARKERS, ReadOptions

    return ReadOptions(
        delimiter=delimiter,
        encoding=encoding,
        decimal=decimal,
        header=header,
        missing=MISSING_MARKERS if missing is None else tuple(missing),
        on_bad_rows=cast(Literal["fail", "skip"], on_bad_rows),
    )


def reads_a_table(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options too; it gets them as one argument, ``options``."""
    ours = inspect.signature(read_options).parameters
    theirs = inspect.signature(command).parameters

    @wraps(command)
    def with_options(**given: Any) -> None:
        command(options=read_options(**{name: given.pop(name) for name in ours}), **given)

    shown = [p for name, p in theirs.items() if name != "options"]
    for option in ours.values():
        option.annotation.__metadata__[0].rich_help_panel = "Reading"
        shown.append(option)
    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in shown]
    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in parameters}
    return with_options
