"""contramix reproduce"""

import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contramix.cli.app import Debug, Device, Json, Output, Quiet, app
from contramix.errors import InputError, nearest
from contramix.suite_files import SCALES

if TYPE_CHECKING:
    from rich.table import Table

    from contramix.progress import Titled
    from contramix.reproduction.suite import Block
    from contramix.suite_files import Scale


@app.command()
def reproduce(
    suite: Annotated[
        str | None, typer.Argument(metavar="SUITE", help="A suite's name, 'all', or a TOML file; none lists them.")
    ] = None,
    scale: Annotated[
        str,
        typer.Option(
            help="'smoke': generated records, a minute, shows that it runs. 'cpu': real data, smaller networks or "
            "fewer epochs or rows, said so in every table. 'paper': as published; mostly days on several GPUs."
        ),
    ] = "smoke",
    seeds: Annotated[
        int | None, typer.Option(min=1, max=100, help="Runs of each recipe; not given: as many as the scale says.")
    ] = None,
    only: Annotated[str | None, typer.Option(help="Only these data sets of the suite, separated by commas.")] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Where official data files lie, there or in its folders. Default: CONTRAMIX_DATA."),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=PATH", help="A data set's file or folder elsewhere; may be repeated."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where runs and reports go; what is finished there is kept.")] = Path(
        "reproduced"
    ),
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Run a published table again: its rows and the plain baselines, beside the numbers in the paper.

    Runs and reports go to OUT/SUITE/SCALE/DATA. Stop it with Ctrl-C or kill it: the same command goes on with what is
    not finished. Data sets that are not at hand are named and left out; with none at hand that is an error.
    """
    from contramix.suite_files import suite_paths, summaries

    output = Output(json, quiet)
    if suite is None:
        from rich.table import Table

        listed, table = summaries(), Table(box=None, show_header=False)
        for name, title in listed.items():
            table.add_row(name, title)
        output.result({"suites": listed}, table)
        return
    if scale not in SCALES:
        raise InputError(f"--scale {scale!r}: give one of {', '.join(SCALES)}")
    from contramix.datasets.official import data_root
    from contramix.reproduction.reproduce import reproduce as run
    from contramix.reproduction.suite import Suite

    suites = [Suite.load(path) for path in suite_paths(suite).values()]
    known = list(dict.fromkeys(block.called for each in suites for block in each.data))
    wanted = known if only is None else [name.strip() for name in only.split(",")]
    for name in wanted:
        if name not in known:
            raise InputError(f"--only {name}: {suite} has no such data; {nearest(name, known)}")
    given, root = _given(data), data_root(data_dir)
    command = shlex.join(["contramix", *sys.argv[1:]])
    reports: list[dict[str, Any]] = []
    shown: list[Table | str] = []
    left_out: list[dict[str, str]] = []
    for each in suites:
        for block in each.data:
            if block.called not in wanted or scale not in block.scales:
                continue
            try:
                parts = _parts(block, scale, root, given)
            except InputError as error:
                left_out.append({"suite": each.name, "data": block.called, "why": str(error)})
                output.note(f"not run: {error}")
                continue
            report = run(
                each,
                block,
                scale,
                parts,
                out / each.name / scale / block.called,
                seeds=seeds,
                device=device,
                command=command,
                watch=None if quiet else partial(_titled, f"{each.name}, {block.called}"),
                told=partial(_told, output, f"{each.name}, {block.called}"),
            )
            reports.append(report)
            shown += _shown(block, report)
    if not reports:
        said = left_out[0]["why"] if left_out else f"{suite} has no scale {scale!r}"
        raise InputError(f"nothing of {suite} could be run: {said}")
    output.result({"reports": reports, "not_run": left_out}, *shown, f"Runs and reports are in {out}.")


def _given(data: list[str] | None) -> dict[str, Path]:
    from contramix.reproduction.sources import SOURCES

    found = {}
    for text in data or []:
        name, equals, path = text.partition("=")
        if not equals:
            raise InputError(f"--data {text}: give NAME=PATH, such as --data speech=/data/speech_commands")
        if name not in SOURCES:
            raise InputError(f"--data {text}: {nearest(name, SOURCES)}")
        found[name] = Path(path)
    return found


def _parts(block: "Block", scale: "Scale", data_dir: Path | None, given: dict[str, Path]) -> Any:
    from contramix.reproduction.sources import SOURCES, find, load

    if scale == "smoke":
        return SOURCES[block.data].stand_in()
    return load(block.data, find(block.data, data_dir, given.get(block.data)), block.recipes(scale)[0])


def _titled(what: str, name: str) -> "Titled":
    from contramix.progress import Titled

    return Titled(f"{what}: {name}")


def _told(output: Output, what: str, text: str) -> None:
    output.progress(f"{what}: {text}")


def _shown(block: "Block", report: dict[str, Any]) -> "tuple[Table, str]":
    """What was published and what came out, a line each row."""
    from rich.table import Table

    table = Table(title=f"{report['suite']}, {report['block']}, {report['scale']}", title_justify="left", box=None)
    for head in ("", "published", "parity", "fair"):
        table.add_column(head, justify="left" if not head else "right")
    published = {row.name: row.published for row in block.rows}
    cells: dict[str, dict[str, str]] = {}
    for protocol in ("parity", "rows"):
        for row in report[protocol]:  # a row's first probe is the one that stands for it
            spread = "" if row["spread"] is None else f" ± {100 * row['spread']:.1f}"
            cells.setdefault(row["name"], {}).setdefault(protocol, f"{100 * row['mean']:.1f}{spread}")
    for name, cell in cells.items():
        paper = published.get(name)
        there = "-" if paper is None else f"{paper.percent:g}{'' if paper.sure == 'printed' else f' ({paper.sure})'}"
        table.add_row(name, there, cell.get("parity", "-"), cell.get("rows", "-"))
    return table, f"{report['said']}\n"
