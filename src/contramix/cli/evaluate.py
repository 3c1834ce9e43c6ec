"""Define the command ``contramix evaluate``."""

import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from contramix.cli.app import Command, Data, Debug, Device, Json, Output, Quiet, Run, app
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
    parse_baselines,
    parse_label_budgets,
    parse_names,
    parse_task,
    write_reports,
)
from contramix.cli.reading_options import read_labeled, reads_data, with_progress

if TYPE_CHECKING:
    from contramix.io.options import ReadOptions


@app.command(cls=Command)
@reads_data
def evaluate(
    options: "ReadOptions",
    run: Run,
    data: Data,
    target: Target = None,
    test: Test = None,
    labels_per_class: LabelsPerClass = None,
    labels: Labels = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="Number of splits, if at least 1,000 rows are labeled.")
    ] = 3,
    draws: Draws = 20,
    task: TaskName = None,
    metric: MetricName = None,
    probes: Probes = "linear,knn",
    baselines: Baselines = None,
    pick_on_test: PickOnTest = False,
    recalibrate_bn: Annotated[
        bool, typer.Option("--recalibrate-bn", help="Also evaluate with BatchNorm statistics recomputed on clean rows.")
    ] = False,
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Measure whether pre-training helped: train probes on the representations and compare with baselines.

    If the data come with official splits, probes are trained on the training split and scored on the test split.
    Otherwise a fifth of the rows is held out for each seed. Rows without a target are left out, with a note. If fewer
    than 1,000 rows are labeled, each of them is tested in repeated cross-validation.

    Baselines include raw features, their principal components, tree ensembles on raw features, and the same encoder
    untrained; and, if you name them, the same encoder pre-trained with Gaussian noise (gaussian), or trained only on
    labels (supervised). All use the same splits, seeds and labels.
    Settings are selected on training rows, unless --pick-on-test is given. Writes report.json and report.html to RUN.
    """
    from contramix.cli.reporter import CommandReporter
    from contramix.evaluation.evaluate import evaluate as run_evaluation
    from contramix.evaluation.labeled_table import LabeledTable
    from contramix.evaluation.protocol import ALL_PROBES, Protocol
    from contramix.evaluation.summary import as_json, as_table
    from contramix.models.pretrained import Pretrained
    from contramix.models.pretraining import resolve_device
    from contramix.monitoring.alarms import advice_from_log
    from contramix.runs.folder import VECTORS
    from contramix.runs.log import read_log

    kind = parse_task(task)
    per_class = parse_label_budgets("--labels-per-class", labels_per_class)
    in_all = parse_label_budgets("--labels", labels)
    wanted = parse_names("--probes", probes, ALL_PROBES)
    output = Output(json, quiet)
    options = with_progress(options, output, target, run / VECTORS)
    model = Pretrained.load(run, resolve_device(device))
    against = parse_baselines(baselines, model.recipe.domain)
    rows = read_labeled(lambda path: model.read(path, options), data, test, target, output)
    table, target = rows.training, rows.target
    evaluation = run_evaluation(
        model,
        LabeledTable(table, target, rows.test, name=str(data), test_name=str(test or data)),
        Protocol(per_class, seeds, kind, metric, wanted, against, pick_on_test, draws, labels=in_all),
        recalibrate_bn=recalibrate_bn,
        folder=run / "baselines",
        training_advice=advice_from_log(read_log(run), model.facts.get("alarms", ())),
        reporter=CommandReporter(quiet),
    )
    for note in evaluation.notes:
        output.note(note)
    command = shlex.join(["contramix", *sys.argv[1:]])
    more = {"run": str(run), **rows.facts}
    report = as_json(str(data), evaluation, target=target, command=command, **more)
    write_reports(run, report, [run], model, table, target, output)
    shown = as_table(f"{run} on {data}, target {target}", evaluation)
    output.result(report, shown, *evaluation.paragraphs())
