"""Define the command ``contramix evaluate``."""

import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from contramix.cli.app import Command, Data, Debug, Device, Json, Output, Quiet, Run, app
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
from contramix.cli.reading_options import read_labelled, reads_data, watching

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
    labels_per_class: LabelsPerClass = "20",
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="Number of splits. Few labels are drawn at least 5 times.")
    ] = 3,
    task: TaskName = None,
    metric: MetricName = None,
    probes: Probes = "linear,knn,finetune",
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
    """Measure whether pre-training helped: score probes on the representations and compare with baselines.

    Data with official parts are learned from on the training part and scored on the test part; of others a fifth is
    held out for each seed. All rows of the result see the same splits, seeds and labels: raw features, their principal
    components, the same encoder without training, pre-trained with Gaussian noise and trained on the labels alone, and
    ensembles of trees on raw features. Whatever is chosen is chosen on training rows. Writes report.json and
    report.html into RUN.
    """
    from contramix.cli.reporter import CommandReporter
    from contramix.evaluation.evaluate import evaluate as run_evaluation
    from contramix.evaluation.labeled_table import LabeledTable
    from contramix.evaluation.protocol import ALL_PROBES, Protocol
    from contramix.evaluation.summary import as_json, as_table
    from contramix.models.pretrained import Pretrained
    from contramix.models.pretraining import resolve_device
    from contramix.monitoring.alarms import advice_from_log
    from contramix.runs.log import read_log

    kind, few = task_kind(task), budgets(labels_per_class)
    wanted = names("--probes", probes, ALL_PROBES)
    output = Output(json, quiet)
    options = watching(options, output, target)
    model = Pretrained.load(run, resolve_device(device))
    against = baseline_names(baselines, model.recipe.domain)
    rows = read_labelled(lambda path: model.read(path, options), data, test, target, output)
    table, target = rows.training, rows.target
    evaluation = run_evaluation(
        model,
        LabeledTable(table, target, rows.test, name=str(data), test_name=str(test or data)),
        Protocol(few, seeds, kind, metric, wanted, against, pick_on_test),
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
    keep_report(run, report, [run], model, table, target, output)
    shown = as_table(f"{run} on {data}, target {target}", evaluation)
    output.result(report, shown, *evaluation.paragraphs())
