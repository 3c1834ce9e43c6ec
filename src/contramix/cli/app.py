"""The application that commands enter, and the options that several share."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contramix.cli.flags import with_flags
from contramix.recipes import data_formats
from contramix.runtime.terminal import one_line, print_note, print_status, show_status

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text


app = typer.Typer(
    name="contramix",
    help="Learn representations from unlabelled data by mixing samples, and see whether it helped.\n\n"
    "First steps: 'contramix demo' shows the experiment on real data; 'contramix pretrain your.csv --target y "
    "--out run' learns from your table, or from other kinds of data (see 'contramix pretrain --help'); "
    "'contramix embed run your.csv --out z.parquet' writes its embeddings; "
    "'contramix evaluate run your.csv --target y' tells whether they help.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> bool:
    if asked:
        from importlib.metadata import version

        print(f"contramix {version('contramix')}")
        raise typer.Exit
    return asked


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Nothing is shared by all commands but their options."""


Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help=f"What to read: {data_formats()}. Where a file could be of several kinds, --domain decides.",
    ),
]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder (--out of pretrain), or a saved model's.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1; auto takes a GPU if there is one.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else there.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no notes.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


class Output:
    """Where a command's words go: results to stdout, all else to stderr."""

    def __init__(self, as_json: bool, quiet: bool) -> None:
        self.as_json = as_json
        self.quiet = quiet

    def note(self, text: str) -> None:
        """Something the user may want to know."""
        if not self.quiet:
            print_note(with_flags(text))

    def progress(self, text: str) -> None:
        """What is being done now, on a terminal, in place of what was done before."""
        if not self.quiet:
            show_status(text)

    def status(self, text: str) -> None:
        """Show what is being computed now: on a terminal as a line that is replaced, elsewhere as a new line."""
        if not self.quiet:
            print_status(text)

    def result(self, plain: dict[str, Any], *shown: "Table | str") -> None:
        """The result: as one JSON object, or for a person."""
        self.progress("")
        if self.as_json:
            print(json.dumps(plain, ensure_ascii=False, allow_nan=False))
            return
        from rich.console import Console

        class Plain(Console):
            """Prints the text of cells and titles as it is."""

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
