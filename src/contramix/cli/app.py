"""Define the application to which commands are added, and the options that several commands share."""

import json
import sys
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from contramix.cli.flags import with_flags
from contramix.recipes import data_formats
from contramix.runtime.terminal import one_line, print_note, print_status, show_status

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text


class Command(TyperCommand):
    """Define a command whose help is wrapped to the width of the terminal.

    Line breaks within the paragraphs of the help text, which is the docstring of the command, are removed.
    """

    def __init__(self, *args: Any, help: str | None = None, **settings: Any) -> None:
        paragraphs = cleandoc(help or "").split("\n\n")
        super().__init__(*args, help="\n\n".join(" ".join(text.split()) for text in paragraphs), **settings)


app = typer.Typer(
    name="contramix",
    help="Learn representations from unlabeled data by mixing samples, and measure whether it helped.\n\n"
    "First steps: 'contramix demo' shows the experiment on real data; 'contramix pretrain your.csv --target y "
    "--out run' learns from your table, or from other kinds of data (see 'contramix pretrain --help'); "
    "'contramix embed run your.csv --out z.parquet' writes an embedding of each row; "
    "'contramix evaluate run your.csv --target y' measures whether they help.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(requested: bool) -> bool:
    """Print the version and exit if ``--version`` is given (``requested``); otherwise return False."""
    if requested:
        from importlib.metadata import version

        print(f"contramix {version('contramix')}")
        raise typer.Exit
    return requested


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Handle options that come before the command, such as ``--version``."""


Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help=f"Data to read: {data_formats()}. If a file could be of several kinds, set --domain.",
    ),
]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run (--out of pretrain) or of a saved model.")]
Device = Annotated[
    str, typer.Option(help="Where to compute: auto, cpu, cuda or cuda:1. auto uses a GPU if there is one.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result on stdout as one JSON object.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress and no notes.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


class Output:
    """Print the result of a command on standard output, and notes and progress on standard error.

    Parameters
    ----------
    as_json
        Whether to print the result as JSON.
    quiet
        Whether to print no notes and no progress.
    """

    def __init__(self, as_json: bool, quiet: bool) -> None:
        self.as_json = as_json
        self.quiet = quiet

    def note(self, text: str) -> None:
        """Print a note for the user as a line that starts with "note:". Print nothing with --quiet."""
        if not self.quiet:
            print_note(with_flags(text))

    def show_status(self, text: str) -> None:
        """Show a text in the status line of a terminal. An empty text clears the line.

        Nothing is printed if standard error is not a terminal.
        """
        if not self.quiet:
            show_status(text)

    def print_status(self, text: str) -> None:
        """Show a text in the status line of a terminal, or as a new line if standard error is not a terminal."""
        if not self.quiet:
            print_status(text)

    def result(self, plain: dict[str, Any], *shown: "Table | str") -> None:
        """Print the result of the command on standard output.

        Parameters
        ----------
        plain
            Result as a dictionary, which is printed as one JSON object with --json.
        shown
            Tables and texts, which are printed one after the other without --json.
        """
        self.show_status("")
        if self.as_json:
            print(json.dumps(plain, ensure_ascii=False, allow_nan=False))
            return
        from rich.console import Console

        class Plain(Console):
            """Print Rich tables, but show the text of cells and titles as it is, without interpreting Rich markup."""

            def render_str(self, text: str, **how: Any) -> "Text":
                return super().render_str(one_line(text), **how)

            def on_broken_pipe(self) -> None:
                raise BrokenPipeError

        width = None if sys.stdout.isatty() else 150
        console = Plain(width=width, highlight=False, markup=False, emoji=False)
        for item in shown:
            if isinstance(item, str):
                print("\n".join(one_line(line) for line in item.split("\n")))
            else:
                console.print(item)
