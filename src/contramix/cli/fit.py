"""Define the commands ``contramix fit`` and ``contramix finetune``, which learn to predict a column from labels."""

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contramix.cli.app import Command, Data, Debug, Device, Json, Output, Quiet, Run, app
from contramix.cli.evaluation_options import Target, TaskName, parse_class_prior, parse_task
from contramix.cli.pretrain import parse_overrides
from contramix.cli.reading_options import (
    print_reading_notes,
    reads_data,
    resolve_target,
    unreadable_files,
    with_progress,
)
from contramix.errors import InputError, nearest

if TYPE_CHECKING:
    from contramix.io.options import ReadOptions
    from contramix.predictors.few_labels import Head

Out = Annotated[Path, typer.Option(help="Folder of the model to write.")]
LabelsPerClass = Annotated[
    int | None, typer.Option(min=1, help="Use only this many labeled rows of each class, drawn by the seed.")
]
ClassWeight = Annotated[
    str | None, typer.Option(help="balanced: give every class the same weight, however rare it is.")
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="Change a setting of fine-tuning: --set lr=3e-4. May be repeated."
    ),
]
Epochs = Annotated[
    int | None, typer.Option(help="Passes over the labeled rows when fine-tuning. Default: 200 to 1,000 steps.")
]
Seed = Annotated[int, typer.Option(help="Random seed. The same seed gives the same model on the same machine.")]
ClassPrior = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CLASS=SHARE",
        help="Share of a class in the rows to predict: --class-prior yes=0.1 --class-prior no=0.9, one for each class; "
        "or 'estimate', from the rows of DATA without a label. Default: the shares among the labeled rows, weighted by "
        "--class-weight. May be repeated.",
    ),
]


@app.command(cls=Command)
@reads_data
def fit(
    options: "ReadOptions",
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Folder of a finished run; several may be given.")],
    data: Data,
    out: Out,
    target: Target = None,
    head: Annotated[
        str,
        typer.Option(
            help="auto: a blend of linear models and trees on the representations and on DATA itself; with 1,000 "
            "labeled rows or more, that or fine-tuning, whichever predicts held-out rows better. linear: a linear "
            "model on the representations. finetune: all weights of the encoder."
        ),
    ] = "auto",
    labels_per_class: LabelsPerClass = None,
    class_weight: ClassWeight = None,
    class_prior: ClassPrior = None,
    task: TaskName = None,
    set_: Set = None,
    epochs: Epochs = None,
    seed: Seed = 0,
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Learn to predict a column from labeled rows, with one or several pre-trained models.

    Rows without a value in that column help to standardize features; --head finetune leaves them out. RUN itself is
    not changed. Several runs, such as of several recipes or seeds, often predict better than one.


    Then use 'contramix predict' to predict new rows.
    """
    from contramix.predictors.few_labels import HEADS

    if head not in HEADS:
        raise InputError(f"--head {head}: not known; {nearest(head, HEADS)}")
    learn(
        options,
        runs,
        data,
        out,
        target,
        head,  # type: ignore[arg-type]
        settings=_settings(set_, epochs, class_weight, head),
        output=Output(json, quiet),
        class_prior=parse_class_prior(class_prior),
        kind=parse_task(task),
        labels_per_class=labels_per_class,
        seed=seed,
        device=device,
    )


@app.command(cls=Command)
@reads_data
def finetune(
    options: "ReadOptions",
    run: Run,
    data: Data,
    out: Out,
    target: Target = None,
    labels_per_class: LabelsPerClass = None,
    class_weight: ClassWeight = None,
    task: TaskName = None,
    set_: Set = None,
    epochs: Epochs = None,
    seed: Seed = 0,
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Fine-tune a pre-trained model, with a linear head, to predict a column.

    This is the same as 'contramix fit --head finetune'. Rows without a value in that column are skipped. With at least
    1,000 labeled rows, a fifth of them is held out, and the weights with the best score on the held-out rows are kept.
    RUN itself is not changed.


    Then use 'contramix predict' to predict new rows, and 'contramix embed' to write fine-tuned representations.
    """
    learn(
        options,
        [run],
        data,
        out,
        target,
        "finetune",
        settings=_settings(set_, epochs, class_weight, "finetune"),
        output=Output(json, quiet),
        kind=parse_task(task),
        labels_per_class=labels_per_class,
        seed=seed,
        device=device,
    )


def _settings(set_: list[str] | None, epochs: int | None, class_weight: str | None, head: str) -> Any:
    """Return the settings of fine-tuning; only ``class_weight`` may be given for another head."""
    from contramix.models.finetune_settings import FineTune

    given = parse_overrides(set_, None) | ({} if epochs is None else {"epochs": epochs})
    if given and head != "finetune":
        raise InputError("--set and --epochs need --head finetune")
    return FineTune.from_dict(given | ({} if class_weight is None else {"class_weight": class_weight}))


def learn(
    options: "ReadOptions",
    runs: list[Path],
    data: Path,
    out: Path,
    target: str | None,
    head: "Head",
    *,
    settings: Any,
    output: Output,
    device: str,
    **how: Any,
) -> None:
    """Load the runs and the data, learn to predict the target, save the model, and print what was learned.

    ``settings`` are those of fine-tuning, and ``how`` are further parameters of :func:`contramix.runs.fit.fit_on`.
    """
    from contramix.cli.reporter import CommandReporter
    from contramix.models.fine_tuned import FineTunedModel
    from contramix.models.pretrained import Pretrained
    from contramix.models.pretraining import resolve_device
    from contramix.runs.fit import check_model_folder, fit_on
    from contramix.runs.folder import VECTORS

    options = with_progress(options, output, target, runs[0] / VECTORS)
    check_model_folder(out, runs)
    models = [Pretrained.load(run, resolve_device(device)) for run in runs]
    reading = models[0].read(data, options)
    print_reading_notes(reading, output)
    target, table = resolve_target(reading, target), reading.training
    for note in dict.fromkeys(note for model in models for note in model.unknown(table, (target,))):
        output.note(note)
    began, reporter = time.monotonic(), CommandReporter(output.quiet)
    predictor = fit_on(models, table, target, head, settings, device=device, where=str(data), reporter=reporter, **how)
    seconds = round(time.monotonic() - began, 2)
    kind = "finetuning" if isinstance(predictor, FineTunedModel) else "blend"
    predictor.facts[kind] |= {"seconds": seconds, "command": shlex.join(["contramix", *sys.argv[1:]])}
    predictor.save(out)
    facts = {
        "run": str(runs[0]),
        "runs": [str(run) for run in runs],
        "data": str(data),
        "model": str(out),
        "target": target,
        "task": predictor.task.kind,
        "classes": list(predictor.task.classes),
        "head": "finetune" if kind == "finetuning" else "linear" if head == "linear" else "blend",
        "class_prior": None if predictor.prior is None else [round(float(share), 6) for share in predictor.prior],
        **predictor.facts[kind],
        "seconds": seconds,
        **unreadable_files(reading),
    }
    output.result(facts, _summary(facts))


def _summary(facts: dict[str, Any]) -> Any:
    from rich.table import Table

    metric, fine_tuned = "accuracy" if facts["task"] == "classification" else "R squared", facts["head"] == "finetune"
    score, runs = facts.get("validation_score"), ", ".join(facts["runs"])
    if score is None:
        validation = "no rows were held out"
    elif fine_tuned:
        validation = f"{metric} {score:.4f} on {facts['held_out_rows']:,} held-out rows, weights of step "
        validation += f"{facts['best_step']:,}"
    else:
        validation = f"{metric} {score:.4f} on held-out labeled rows, on which settings were chosen"
    what = f"fine-tuned from {runs}" if fine_tuned else f"a {facts['head']} head on {runs}"
    rows = [
        ("model", f"{facts['model']}, {what.replace('a blend head', 'a blend')} in {facts['seconds']:.1f} s"),
        ("target", facts["target"] + (f", {len(facts['classes'])} classes" if facts["classes"] else "")),
        ("labeled rows", f"{facts['labelled_rows']:,}" + (f", {facts['steps']:,} steps" if fine_tuned else "")),
        *([("training", f"{metric} {facts['training_score']:.4f}")] if fine_tuned else []),
        ("validation", validation),
        ("next", f"contramix predict {shlex.quote(facts['model'])} DATA --out predictions.csv"),
    ]
    table = Table(box=None, show_header=False)
    for name, value in rows:
        table.add_row(name, value)
    return table
