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
        str | None,
        typer.Argument(
            metavar="SUITE",
            help="Name of a suite (a published table), 'all', or a TOML file. Without it, suites are listed.",
        ),
    ] = None,
    scale: Annotated[
        str,
        typer.Option(
            help="'smoke': generated records, about a minute, only shows that the suite runs. 'cpu': real data with "
            "smaller networks, fewer epochs or fewer rows. 'paper': as published, mostly days on several GPUs."
        ),
    ] = "smoke",
    seeds: Annotated[
        int | None,
        typer.Option(min=1, max=100, help="Number of runs of each recipe. Default: set by the suite for each scale."),
    ] = None,
    only: Annotated[
        str | None, typer.Option(help="Data sets of the suite to run, separated by commas. Default: all.")
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            help="Folder that is searched for official data files. Default: the environment variable CONTRAMIX_DATA."
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=PATH", help="File or folder of a data set, if it is elsewhere. May be repeated."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of runs and reports. Finished runs in it are reused.")] = Path(
        "reproduced"
    ),
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Reproduce a published table: train its methods and simple baselines, and compare with the paper's numbers.

    Runs and reports are written to OUT/SUITE/SCALE/DATA. Data sets whose files are not found are skipped with a note;
    if none is found, the command fails.

    If the command is interrupted or killed, run it again: it continues with the unfinished runs.
    """
    from contramix.reproduction.catalog import suite_paths, summaries

    output = Output(json, quiet)
    if suite is None:
        if only is not None or scale != "smoke" or data or data_dir is not None or seeds is not None:
            raise InputError("give a SUITE; 'contramix reproduce' without arguments lists them")
        listed = summaries()
        hint = "\nNext: contramix reproduce imix-table1 --scale cpu --only covtype"
        output.result({"suites": listed}, _suite_table(listed), hint)
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
    given, root = _parse_data_paths(data), data_root(data_dir)
    if root is not None and not root.is_dir() and (data_dir is not None or scale != "smoke"):
        raise InputError(f"{DATA_DIR if data_dir is None else '--data-dir'} {root}: there is no such folder")
    if scale == "smoke" and (given or data_dir is not None):
        output.note("the scale 'smoke' uses generated records only; give --scale cpu or paper to use your files")
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
            raise InputError(f"--data {name}: no selected data set uses it")
    for each, block in chosen:
        what = f"{each.name}, {block.label}"
        try:
            splits = _load_splits(block, scale, root, given)
        except InputError as error:
            left_out.append({"suite": each.name, "data": block.label, "why": with_flags(str(error))})
            if len(chosen) > 1:
                output.note(f"{what}: not run: {error}")
            continue
        _print_plan(output, what, block, scale, seeds)
        report = run(
            each,
            block,
            scale,
            splits,
            out / each.name / scale / block.label,
            seeds=seeds,
            device=device,
            command=command,
            reporter=CommandReporter(quiet, f"{what}: "),
        )
        reports.append(report)
        shown += _result_tables(block, report)
    if not reports:
        reasons = dict.fromkeys(one["why"] for one in left_out)
        raise InputError(f"no data set of {suite} could be run: {'; '.join(reasons)}")
    output.result({"reports": reports, "not_run": left_out}, *shown, f"Runs and reports are in {out}.")


def _suite_table(listed: dict[str, dict[str, Any]]) -> "Table":
    """Return a table of the suites: name, title, data sets, and the scales at which each data set can run.

    ``listed`` maps the name of each suite to a dictionary with its ``title`` and ``data``. ``data`` maps the name of
    each data set to a list of scales.
    """
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


def _parse_data_paths(data: list[str] | None) -> dict[str, Path]:
    """Convert the values of --data, such as "speech=/data/speech", to a dictionary from data set name to path."""
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


def _load_splits(block: "Block", scale: "Scale", data_dir: Path | None, given: dict[str, Path]) -> Any:
    """Load the training and test records of a data set, or generate them for the scale "smoke".

    Parameters
    ----------
    block
        The part of the suite that is about this data set.
    scale
        Size of the experiment: "smoke", "cpu" or "paper".
    data_dir
        Folder that is searched for the files.
    given
        Paths given by --data, by the name of the data set.

    Returns
    -------
    Splits
        Training records, test records (or None), and the name of the target column.
    """
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


def _print_plan(output: Output, what: str, block: "Block", scale: "Scale", seeds: int | None) -> None:
    """Print a note on the runs that start next: recipes, baselines, number of seeds, and differences from the paper.

    Parameters
    ----------
    output
        Where the note is printed.
    what
        Names of the suite and the data set, which the note starts with.
    block, scale
        Part of the suite for the data set, and the scale, such as "cpu".
    seeds
        Number of runs of each recipe. None: the number that the suite sets for the scale.
    """
    budget = block.scales[scale]
    names = [recipe.name for recipe in block.recipes(scale)]
    count = seeds or budget.seeds
    runs = f"{count} {'seed' if count == 1 else 'seeds'} of {', '.join(names)}"
    output.note(f"{what}: {budget.note}; {runs}, compared with {', '.join(block.baselines)}")


def _result_tables(block: "Block", report: dict[str, Any]) -> "tuple[Table | str, ...]":
    """Return what the command prints for one data set: a table of published and reproduced scores, and texts.

    The texts explain the table, and say whether each claim of the paper holds. ``report`` is the content of
    report.json.
    """
    from rich.table import Table

    title = f"{report['suite']}, {report['block']}, {report['scale']}: {report['metric']} in %"
    table = Table(title=title, title_justify="left", box=None)
    for head in ("", "published", "parity", "fair"):
        table.add_column(head, justify="left" if not head else "right")
    published = {row.name: row.published for row in block.rows}
    cells: dict[str, dict[str, str]] = {}
    for protocol in ("parity", "rows"):
        for row in report[protocol]:  # of several probes, the first one is shown
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
    asked = [] if block.question is None else [f"Question: {block.question}"]
    if report["scale"] == "smoke":
        return (*asked, table, "These scores are not comparable with the published ones.\n")
    claims = []
    for claim in report["claims"]:
        sure = "one seed" if claim["interval"] is None else "{:+.1f} to {:+.1f}".format(*claim["interval"])
        claims.append(f"{claim['claim']}: {claim['verdict']}, {claim['gain']:+.1f} points ({sure})")
    over = "one seed" if report["seeds"] == 1 else f"± standard deviation over {report['seeds']} seeds"
    how = (
        "fair: settings of the probe are selected on training rows; parity: probe of the paper, with settings selected "
        f"on test rows if the paper does so; {over}. {report['said']}."
    )
    return (*asked, table, how, *claims, "")
