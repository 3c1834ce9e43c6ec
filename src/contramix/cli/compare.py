"""Define the command ``contramix compare``."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contramix.cli.app import Command, Data, Debug, Device, Json, Output, Quiet, app
from contramix.cli.evaluation_options import (
    Baselines,
    LabelsPerClass,
    MetricName,
    PickOnTest,
    Probes,
    Target,
    TaskName,
    Test,
    baseline_names,
    budgets,
    keep_report,
    names,
    task_kind,
)
from contramix.cli.pretrain import Changes, Epochs, changed
from contramix.cli.reading_options import DomainName, read_labelled, reads_data, watching
from contramix.errors import InputError

if TYPE_CHECKING:
    from contramix.io.options import ReadOptions


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
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the runs and the report. A second call resumes there. Default: DATA-compare."),
    ] = None,
    set_: Changes = None,
    epochs: Epochs = None,
    labels_per_class: LabelsPerClass = "20",
    seeds: Annotated[
        int,
        typer.Option(min=1, max=100, help="Runs of each recipe, and splits. Few labels are drawn at least 5 times."),
    ] = 3,
    task: TaskName = None,
    metric: MetricName = None,
    probes: Probes = "linear,knn,finetune",
    baselines: Baselines = None,
    pick_on_test: PickOnTest = False,
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Compare several recipes on one data set, under one protocol, with baselines.

    Each recipe is pre-trained for each seed, without labels; then all are probed on the same splits, with the same
    labels. The verdict is corrected for the number of recipes. Stop it with Ctrl-C or kill it: the same command goes on
    with the runs that are not finished. Writes report.json and report.html.
    """
    from contramix.cli.reporter import CommandReporter
    from contramix.domains import DOMAINS
    from contramix.evaluation.compare import compare_recipes
    from contramix.evaluation.labeled_table import LabeledTable
    from contramix.evaluation.protocol import ALL_PROBES, Protocol
    from contramix.evaluation.summary import as_json, as_table
    from contramix.models.pretrained import Pretrained
    from contramix.recipe import Recipe, resolve

    kind, few = task_kind(task), budgets(labels_per_class)
    wanted = names("--probes", probes, ALL_PROBES)
    overrides = changed(set_, epochs)
    chosen: list[Recipe] = []
    for name in recipes.split(","):
        if name.strip():
            chosen.append(resolve(name.strip(), overrides, data, chosen[0].domain if chosen else domain))
    if not chosen or len({recipe.name for recipe in chosen}) < len(chosen):
        raise InputError(f"--recipes {recipes}: give different names, separated by commas")
    found = chosen[0].domain
    against = baseline_names(baselines, found)
    output = Output(json, quiet)
    options = watching(options, output, target)
    place = out or Path(f"{data.name.split('.')[0]}-compare")
    rows = read_labelled(lambda path: DOMAINS[found].read(path, options, chosen[-1].data), data, test, target, output)
    table, target = rows.training, rows.target
    command = shlex.join(["contramix", *sys.argv[1:]])
    evaluation = compare_recipes(
        place,
        LabeledTable(table, target, rows.test, name=str(data), test_name=str(test or data)),
        chosen,
        Protocol(few, seeds, kind, metric, wanted, against, pick_on_test),
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
    keep_report(place, report, runs, best, table, target, output)
    shown = as_table(f"{data}, target {target}", evaluation)
    output.result(report, shown, *evaluation.paragraphs(), f"Runs, report.json and report.html are in {place}.")
