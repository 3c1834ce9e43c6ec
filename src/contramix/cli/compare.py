"""Define the command ``contramix compare``."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contramix.cli.app import Command, Data, Debug, Device, Json, Output, Quiet, app
from contramix.cli.evaluation_options import (
    Baselines,
    Draws,
    Labels,
    LabelsPerClass,
    MetricName,
    PickOnTest,
    Probes,
    Target,
    TaskName,
    Test,
    Unlabeled,
    parse_baselines,
    parse_label_budgets,
    parse_names,
    parse_task,
    write_reports,
)
from contramix.cli.pretrain import Backbone, Changes, Epochs, Vectors, parse_overrides
from contramix.cli.reading_options import DomainName, read_labeled, reads_data, with_progress
from contramix.errors import InputError

if TYPE_CHECKING:
    from contramix.io.options import ReadOptions
    from contramix.io.records import Records


@app.command(cls=Command)
@reads_data
def compare(
    options: "ReadOptions",
    data: Data,
    target: Target = None,
    domain: DomainName = None,
    recipes: Annotated[
        str,
        typer.Option(help="Names of recipes or TOML files, separated by commas. 'contramix recipes' lists the names."),
    ] = "dacl-plus,imix-npair",
    test: Test = None,
    unlabeled: Unlabeled = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the runs and the report. Finished runs in it are reused. Default: DATA-compare."),
    ] = None,
    backbone: Backbone = None,
    vectors: Vectors = False,
    set_: Changes = None,
    epochs: Epochs = None,
    labels_per_class: LabelsPerClass = None,
    labels: Labels = None,
    seeds: Annotated[
        int,
        typer.Option(min=1, max=100, help="Number of pre-training runs of each recipe."),
    ] = 1,
    draws: Draws = 20,
    task: TaskName = None,
    metric: MetricName = None,
    probes: Probes = "linear,knn",
    baselines: Baselines = None,
    pick_on_test: PickOnTest = False,
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Compare several recipes with each other and with baselines on one data set.

    Each recipe is pre-trained without labels, once for each seed, on all rows: those without a target, too. Then all
    models are probed on the same splits with the same labels. The verdict is corrected for the number of recipes.
    Writes report.json and report.html to --out.

    If the command is interrupted or killed, run it again: it continues with the unfinished runs.
    """
    from contramix.cli.reporter import CommandReporter
    from contramix.evaluation.compare import compare_recipes
    from contramix.evaluation.labeled_table import LabeledTable, append_unlabeled
    from contramix.evaluation.protocol import ALL_PROBES, Protocol
    from contramix.evaluation.summary import as_json, as_table
    from contramix.models.pretrained import Pretrained
    from contramix.models.reading import read as read_records
    from contramix.recipe import Recipe, resolve
    from contramix.runs.folder import VECTORS

    kind = parse_task(task)
    per_class = parse_label_budgets("--labels-per-class", labels_per_class)
    in_all = parse_label_budgets("--labels", labels)
    wanted = parse_names("--probes", probes, ALL_PROBES)
    overrides = parse_overrides(set_, epochs, backbone, vectors)
    chosen: list[Recipe] = []
    for name in recipes.split(","):
        if name.strip():
            chosen.append(resolve(name.strip(), overrides, data, chosen[0].source_domain if chosen else domain))
    if not chosen or len({recipe.name for recipe in chosen}) < len(chosen):
        raise InputError(f"--recipes {recipes}: give different names, separated by commas")
    found = chosen[0].domain
    against = parse_baselines(baselines, found)
    output = Output(json, quiet)
    place = out or Path(f"{data.name.split('.')[0]}-compare")
    options = with_progress(options, output, target, place / VECTORS)

    def read(path: Path) -> "Records":
        return read_records(chosen[-1], path, options)

    rows = read_labeled(read, data, test, target, output)
    table, target = rows.training, rows.target
    if unlabeled is not None:
        table = append_unlabeled(table, read(unlabeled).training, target, str(unlabeled))
    command = shlex.join(["contramix", *sys.argv[1:]])
    evaluation = compare_recipes(
        place,
        LabeledTable(table, target, rows.test, name=str(data), test_name=str(test or data)),
        chosen,
        Protocol(per_class, seeds, kind, metric, wanted, against, pick_on_test, draws, labels=in_all),
        device=device,
        command=command,
        reporter=CommandReporter(quiet),
    )
    for note in evaluation.notes:
        output.note(note)
    more = {"runs": str(place), **rows.facts}
    report = as_json(str(data), evaluation, target=target, command=command, **more)
    runs = [place / recipe.name / "seed0" for recipe in chosen]
    best = Pretrained.load(place / evaluation.verdicts[0].recipe / "seed0")
    write_reports(place, report, runs, best, table, target, output)
    shown = as_table(f"{data}, target {target}", evaluation)
    output.result(report, shown, *evaluation.paragraphs(), f"Runs, report.json and report.html are in {place}.")
