"""Define the command ``contramix finetune``."""

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contramix.cli.app import Command, Data, Debug, Device, Json, Output, Quiet, Run, app
from contramix.cli.evaluation_options import Target, TaskName, parse_task
from contramix.cli.pretrain import parse_overrides
from contramix.cli.reading_options import (
    print_reading_notes,
    reads_data,
    resolve_target,
    unreadable_files,
    with_progress,
)

if TYPE_CHECKING:
    from contramix.io.options import ReadOptions


@app.command(cls=Command)
@reads_data
def finetune(
    options: "ReadOptions",
    run: Run,
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder of the fine-tuned model.")],
    target: Target = None,
    labels_per_class: Annotated[
        int | None, typer.Option(min=1, help="Use only this many labeled rows of each class, drawn by the seed.")
    ] = None,
    class_weight: Annotated[
        str | None, typer.Option(help="balanced: give every class the same weight, however rare it is.")
    ] = None,
    task: TaskName = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Change a setting of fine-tuning: --set lr=3e-4. May be repeated."
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the labeled rows. Default: 200 to 1,000 steps.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed. The same seed gives the same model on the same machine.")] = 0,
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Fine-tune a pre-trained model, with a linear head, to predict a column.

    Rows without a value in that column are skipped. With at least 1,000 labeled rows, a fifth of them is held out, and
    the weights with the best score on the held-out rows are kept. RUN itself is not changed.

    Then use 'contramix predict' to predict new rows, and 'contramix embed' to write fine-tuned representations.
    """
    from contramix.cli.reporter import CommandReporter
    from contramix.models.finetune_settings import FineTune
    from contramix.models.pretrained import Pretrained
    from contramix.models.pretraining import resolve_device
    from contramix.runs.finetune import check_model_folder, fine_tune_on

    given = parse_overrides(set_, None) | ({} if epochs is None else {"epochs": epochs})
    settings = FineTune.from_dict(given | ({} if class_weight is None else {"class_weight": class_weight}))
    kind = parse_task(task)
    output = Output(json, quiet)
    options = with_progress(options, output, target)
    check_model_folder(out)
    model = Pretrained.load(run, resolve_device(device))
    reading = model.read(data, options)
    print_reading_notes(reading, output)
    target, table = resolve_target(reading, target), reading.training
    for note in model.unknown(table, (target,)):
        output.note(note)
    began = time.monotonic()
    predictor = fine_tune_on(
        model,
        table,
        target,
        settings,
        kind=kind,
        labels_per_class=labels_per_class,
        seed=seed,
        device=device,
        where=str(data),
        reporter=CommandReporter(quiet),
    )
    seconds = round(time.monotonic() - began, 2)
    predictor.facts["finetuning"] |= {"seconds": seconds, "command": shlex.join(["contramix", *sys.argv[1:]])}
    predictor.save(out)
    facts = {
        "run": str(run),
        "data": str(data),
        "model": str(out),
        "target": target,
        "task": predictor.task.kind,
        "classes": list(predictor.task.classes),
        **predictor.network.facts,
        "seconds": seconds,
        **unreadable_files(reading),
    }
    output.result(facts, _summary(facts))


def _summary(facts: dict[str, Any]) -> Any:
    from rich.table import Table

    metric = "accuracy" if facts["task"] == "classification" else "R squared"
    held = facts["held_out_rows"]
    validation = (
        f"{metric} {facts['validation_score']:.4f} on {held:,} held-out rows, weights of step {facts['best_step']:,}"
        if held
        else "no rows were held out; test it on other rows with contramix predict"
    )
    table = Table(box=None, show_header=False)
    for name, value in (
        ("model", f"{facts['model']}, fine-tuned from {facts['run']} in {facts['seconds']:.1f} s"),
        ("target", facts["target"] + (f", {len(facts['classes'])} classes" if facts["classes"] else "")),
        ("labeled rows", f"{facts['labelled_rows']:,}, {facts['steps']:,} steps"),
        ("training", f"{metric} {facts['training_score']:.4f}"),
        ("validation", validation),
        ("next", f"contramix predict {shlex.quote(facts['model'])} DATA --out predictions.csv"),
    ):
        table.add_row(name, value)
    return table
