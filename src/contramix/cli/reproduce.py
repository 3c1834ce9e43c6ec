"""Define the command ``contramix reproduce``."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contramix.cli.app import Command, Debug, Device, Json, Output, Quiet, app
from contramix.cli.flags import with_flags
from contramix.errors import InputError, nearest
from contramix.reproduction.catalog import SCALES

if TYPE_CHECKING:
    from rich.table import Table

    from contramix.reproduction.catalog import Scale
    from contramix.reproduction.suite import Block


@app.command(cls=Command)
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
    from contramix.reproduction.catalog import suite_paths, summaries

    output = Output(json, quiet)
    if suite is None:
        if only is not None or scale != "smoke" or data or data_dir is not None or seeds is not None:
            raise InputError("give a SUITE; 'contramix reproduce' alone lists them")
        listed = summaries()
        hint = "\nNext: contramix reproduce imix-table1 --scale cpu --only covtype"
        output.result({"suites": listed}, _listed(listed), hint)
        return
    if scale not in SCALES:
        raise InputError(f"--scale {scale!r}: give one of {', '.join(SCALES)}")
    from contramix.cli.reporter import CommandReporter
    from contramix.datasets.official import DATA_DIR, data_root
    from contramix.reproduction.reproduce import reproduce as run
    from contramix.reproduction.suite import Suite

    suites = [Suite.load(path) for path in suite_paths(suite).values()]
    known = list(dict.fromkeys(block.label for each in suites for block in each.data))
    wanted = known if only is None else [name.strip() for name in only.split(",")]
    for name in wanted:
        if name not in known:
            raise InputError(f"--only {name!r}: {suite} has no such data; {nearest(name, known)}")
    given, root = _given(data), data_root(data_dir)
    if root is not None and not root.is_dir() and (data_dir is not None or scale != "smoke"):
        raise InputError(f"{DATA_DIR if data_dir is None else '--data-dir'} {root}: there is no such folder")
    if scale == "smoke" and (given or data_dir is not None):
        output.note("'smoke' takes generated records, no files; give --scale cpu or paper for yours")
    command = shlex.join(["contramix", *sys.argv[1:]])
    reports: list[dict[str, Any]] = []
    shown: list[Table | str] = []
    left_out: list[dict[str, str]] = []
    chosen = [
        (each, block)
        for each in suites
        for block in each.data
        if block.label in wanted and (only is not None or block.question is None or scale in block.scales)
    ]
    if not any(scale in block.scales for _, block in chosen):
        there = [name for name in SCALES if any(name in block.scales for _, block in chosen)]
        raise InputError(f"--scale {scale}: {suite if only is None else only} has {' and '.join(there)}")
    for name in given:
        if all(block.data != name for _, block in chosen):
            raise InputError(f"--data {name}: nothing that is to be run takes it")
    for each, block in chosen:
        what = f"{each.name}, {block.label}"
        try:
            parts = _parts(block, scale, root, given)
        except InputError as error:
            left_out.append({"suite": each.name, "data": block.label, "why": with_flags(str(error))})
            if len(chosen) > 1:
                output.note(f"{what}: not run: {error}")
            continue
        _begun(output, what, block, scale, seeds)
        report = run(
            each,
            block,
            scale,
            parts,
            out / each.name / scale / block.label,
            seeds=seeds,
            device=device,
            command=command,
            reporter=CommandReporter(quiet, f"{what}: "),
        )
        reports.append(report)
        shown += _shown(block, report)
    if not reports:
        said = dict.fromkeys(one["why"] for one in left_out)
        raise InputError(f"nothing of {suite} could be run: {'; '.join(said)}")
    output.result({"reports": reports, "not_run": left_out}, *shown, f"Runs and reports are in {out}.")


def _listed(listed: dict[str, dict[str, Any]]) -> "Table":
    """Names, titles, and the data of each scale."""
    from rich.table import Table

    table = Table(box=None)
    for head in ("SUITE", "what it is", "--only", "--scale"):
        table.add_column(head)
    for name, suite in listed.items():
        of_scales: dict[str, list[str]] = {}
        for called, scales in suite["data"].items():
            of_scales.setdefault(", ".join(scales), []).append(called)
        head, title = name, suite["title"]
        for scales, called in of_scales.items():
            table.add_row(head, title, ", ".join(called), scales)
            head = title = ""
    return table


def _given(data: list[str] | None) -> dict[str, Path]:
    from contramix.reproduction.sources import SOURCES

    found = {}
    for text in data or []:
        name, equals, path = text.partition("=")
        if not equals:
            raise InputError(f"--data {text}: give NAME=PATH, such as --data speech=/data/speech_commands")
        if name not in SOURCES:
            raise InputError(f"--data {text}: no data is called {name!r}; {nearest(name, SOURCES)}")
        found[name] = Path(path)
    return found


def _parts(block: "Block", scale: "Scale", data_dir: Path | None, given: dict[str, Path]) -> Any:
    from contramix.reproduction.sources import SOURCES, find, load

    if scale not in block.scales:
        raise InputError(f"{block.label} has no scale {scale!r}; it has {' and '.join(block.scales)}")
    source, recipe = SOURCES[block.data], block.recipes(scale)[0]
    if scale == "smoke":
        return source.synthetic()
    if block.data in given:
        return load(block.data, find(block.data, None, given[block.data]), recipe, as_is=True)
    if scale == "cpu" and source.shipped is not None:
        return source.shipped()
    return load(block.data, find(block.data, data_dir), recipe)


def _begun(output: Output, what: str, block: "Block", scale: "Scale", seeds: int | None) -> None:
    """What is about to be run, and what it differs in from what was published."""
    budget = block.scales[scale]
    names = [recipe.name for recipe in block.recipes(scale)]
    count = seeds or budget.seeds
    runs = f"{count} {'seed' if count == 1 else 'seeds'} of {', '.join(names)}"
    output.note(f"{what}: {budget.note}; {runs}, beside {', '.join(block.baselines)}")


def _shown(block: "Block", report: dict[str, Any]) -> "tuple[Table | str, ...]":
    """What was published and what came out, a line each row; then the claims."""
    from rich.table import Table

    title = f"{report['suite']}, {report['block']}, {report['scale']}: {report['metric']} in %"
    table = Table(title=title, title_justify="left", box=None)
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
        there = (
            "-"
            if paper is None
            else f"{paper.percent:g}{'' if paper.provenance == 'printed' else f' ({paper.provenance})'}"
        )
        table.add_row(name, there, cell.get("parity", "-"), cell.get("rows", "-"))
    asked = [] if block.question is None else [f"Asked: {block.question}"]
    if report["scale"] == "smoke":
        return (*asked, table, "Not to be compared with what was published.\n")
    claims = []
    for claim in report["claims"]:
        sure = "one seed" if claim["interval"] is None else "{:+.1f} to {:+.1f}".format(*claim["interval"])
        claims.append(f"{claim['claim']}: {claim['verdict']}, {claim['gain']:+.1f} points ({sure})")
    over = "one seed" if report["seeds"] == 1 else f"± standard deviation over {report['seeds']} seeds"
    how = (
        "fair: by a probe that chooses on training rows; parity: by the paper's, picked on test rows where the paper "
        f"does so; {over}. {report['said']}."
    )
    return (*asked, table, how, *claims, "")
