"""Define the command ``contramix report``."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contramix.cli.app import Command, Debug, Json, Output, Quiet, Run, app
from contramix.cli.reading_options import print_reading_notes, reads_data, with_progress
from contramix.errors import InputError

if TYPE_CHECKING:
    from contramix.io.options import ReadOptions
    from contramix.report.map import Map


@app.command(cls=Command)
@reads_data
def report(
    options: "ReadOptions",
    run: Run,
    data: Annotated[
        Path | None, typer.Argument(metavar="[DATA]", help="Data whose records are drawn on a map.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="Column that colors the map. Default: the target of the run.")
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option(help="Further column of DATA to color by and to show. May be repeated.")
    ] = None,
    map_: Annotated[
        str, typer.Option("--map", help="How the map is made: pca, or tsne (slow; at most 3,000 rows).")
    ] = "pca",
    out: Annotated[Path | None, typer.Option(help="File to write. Default: RUN/report.html.")] = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write report.html: verdict, comparison, curves, and a map of the records, in one file that needs no network.

    Verdict and comparison are shown if 'contramix evaluate' was run before. The map of the records, with the nearest
    neighbors of each, is drawn if DATA is given.
    """
    from contramix.report.page import ReportData, check_installed, write
    from contramix.report.run_facts import RunFacts, read_object

    if map_ not in ("pca", "tsne"):
        raise InputError(f"--map {map_}: give pca or tsne")
    if data is None and (target is not None or keep):
        raise InputError("--target and --keep are columns of DATA; give DATA too")
    path = out or run / "report.html"
    if path.suffix not in (".html", ".htm"):
        raise InputError(f"--out {out}: give a name that ends in .html")
    check_installed()
    output = Output(json, quiet)
    facts = RunFacts.read(run)
    kept = run / "report.json"
    made = ReportData(
        title=str(run),
        command=shlex.join(["contramix", *sys.argv[1:]]),
        evaluation=read_object(kept) if kept.is_file() else None,
        runs=[facts],
        map=None if data is None else _map(run, data, target, keep or [], map_, options, output),
    )
    write(path, made)
    size = path.stat().st_size
    output.result({"report": str(path), "bytes": size}, f"{path}: {size / 1e6:.1f} MB, open it in a browser")


def _map(
    run: Path, data: Path, target: str | None, keep: list[str], method: str, options: "ReadOptions", output: Output
) -> "Map":
    from contramix.models.pretrained import Pretrained
    from contramix.report.map import embed_map
    from contramix.runs.folder import VECTORS

    model = Pretrained.load(run)
    reading = model.read(data, with_progress(options, output, vectors=run / VECTORS))
    names = reading.table.column_names
    color = model.spec.target if target is None and model.spec.target in names else target
    print_reading_notes(reading, output)
    for note in model.unknown(reading.table, [*keep, *([color] if color else [])]):
        output.note(note)
    shown = [name for name in dict.fromkeys([*model.display_columns(reading.table), *keep]) if name != color]
    return embed_map(model, reading.table, color, shown, method="tsne" if method == "tsne" else "pca")
