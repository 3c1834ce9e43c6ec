"""contramix evaluate"""

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from contramix.cli.app import Data, Debug, Device, Json, Output, Quiet, Run, app
from contramix.cli.reading import reads_a_table
from contramix.errors import InputError, RunError

if TYPE_CHECKING:
    from contramix.domains.table.options import ReadOptions


@app.command()
@reads_a_table
def evaluate(
    options: "ReadOptions",
    run: Run,
    data: Data,
    target: Annotated[str, typer.Option(help="The column to predict.")],
    test: Annotated[
        Path | None,
        typer.Option(help="Official test rows; without it a fifth of DATA is held out for each seed."),
    ] = None,
    labels_per_class: Annotated[
        str,
        typer.Option(help="Few-label budgets, such as 5,20,100; '' for none. All labels are always tried."),
    ] = "20",
    seeds: Annotated[int, typer.Option(min=1, max=100, help="How many splits and draws of labels.")] = 3,
    task: Annotated[str | None, typer.Option(help="classification or regression; found out if not given.")] = None,
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Tell whether pre-training helped: probes on the representations, beside the plain baselines.

    Linear probe and nearest neighbours on the representations, on raw features and on the same encoder without
    training; gradient boosting on raw features. Whatever is chosen is chosen on training rows.
    """
    from contramix import durable
    from contramix.evaluation.evaluate import evaluate as run_evaluation
    from contramix.evaluation.report import as_json, as_table
    from contramix.fitting import resolve_device
    from contramix.pretrained import Pretrained

    if task not in (None, "classification", "regression"):
        raise InputError(f"--task {task}: give classification or regression")
    budgets = _budgets(labels_per_class)
    output = Output(json, quiet)
    model = Pretrained.load(run, resolve_device(device))
    reading = model.read(data, options)
    test_reading = model.read(test, options) if test else None
    for note in (*reading.notes, *(test_reading.notes if test_reading else ())):
        output.note(note)
    evaluation = run_evaluation(
        model,
        reading.table,
        target,
        test=test_reading.table if test_reading else None,
        labels_per_class=budgets,
        seeds=seeds,
        task=cast(Literal["classification", "regression"] | None, task),
        where=str(data),
        where_test=str(test),
        told=output.progress,
    )
    for note in evaluation.notes:
        output.note(note)
    report = as_json(str(data), evaluation, run=str(run), target=target)
    try:
        durable.write(run / "report.json", jsonlib.dumps(report, indent=1, allow_nan=False) + "\n")
    except (InputError, RunError) as error:  # the folder of a shared model, perhaps
        output.note(f"the report is not kept: {error}")
    table = as_table(f"{run} on {data}, target {target}", evaluation)
    output.result(report, table, evaluation.verdicts[0].text)


def _budgets(text: str) -> tuple[int, ...]:
    try:
        budgets = tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        budgets = (0,)
    if any(budget < 1 for budget in budgets):
        raise InputError(f"--labels-per-class {text}: give whole numbers of at least 1, such as 5,20,100")
    return tuple(dict.fromkeys(budgets))
