"""Define the command ``contramix tune``."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contramix.cli.app import Command, Data, Debug, Device, Json, Output, Quiet, app
from contramix.cli.evaluation_options import MetricName, TaskName, Unlabeled, parse_task
from contramix.cli.pretrain import Backbone, Changes, Vectors, parse_overrides
from contramix.cli.reading_options import DomainName, print_reading_notes, reads_data, with_progress

if TYPE_CHECKING:
    from contramix.io.options import ReadOptions


@app.command(cls=Command)
@reads_data
def tune(
    options: "ReadOptions",
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder of the search. An unfinished search in it is resumed.")],
    recipe: Annotated[
        str, typer.Option(help="Name of the recipe to tune ('contramix recipes' lists them) or a TOML file.")
    ] = "imix-npair",
    target: Annotated[str | None, typer.Option(help="Column to predict. It is excluded from the input.")] = None,
    unlabeled: Unlabeled = None,
    score: Annotated[
        str,
        typer.Option(
            help="labels: score of a linear probe, trained on few labels, on held-out rows. rankme: effective rank of "
            "the representations of held-out rows, which needs no labels but is less reliable. auto: labels if "
            "there is a target."
        ),
    ] = "auto",
    labels_per_class: Annotated[
        int,
        typer.Option(min=1, help="Labels per class to train the probe on. For regression, ten times as many rows."),
    ] = 20,
    trials: Annotated[int, typer.Option(min=1, help="Number of settings to try. A later call may ask for more.")] = 20,
    search: Annotated[
        str | None,
        typer.Option(
            help="Settings to search, from noise,temperature,alpha,width,cut. Default: all that the recipe has; with "
            "rankme only noise and alpha, because it cannot compare the others."
        ),
    ] = None,
    steps: Annotated[
        int,
        typer.Option(min=1, help="Maximum training steps of a trial. The recipe that is written keeps its own number."),
    ] = 500,
    fresh: Annotated[
        int,
        typer.Option(
            min=2, help="Number of fresh splits, seeds and samples of labels on which the best trial is confirmed."
        ),
    ] = 5,
    domain: DomainName = None,
    backbone: Backbone = None,
    vectors: Vectors = False,
    set_: Changes = None,
    seed: Annotated[
        int, typer.Option(help="Random seed. The same seed gives the same search on the same machine.")
    ] = 0,
    task: TaskName = None,
    metric: MetricName = None,
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Search for the settings of a recipe that suit your data, and write them as a new recipe.

    Give training rows only, because test scores are biased if settings were tuned on the test rows. A fifth of the
    rows is held out from training to score the trials. The first trial is the unchanged recipe. At the end, the best
    trial is compared with the unchanged recipe on fresh splits.

    If the command is interrupted or killed, run it again: it continues with the next trial.
    """
    from rich.table import Table

    from contramix.cli.evaluation_options import parse_names
    from contramix.cli.reporter import CommandReporter
    from contramix.evaluation.labeled_table import append_unlabeled
    from contramix.models.reading import read as read_records
    from contramix.recipe import resolve
    from contramix.runs.folder import VECTORS
    from contramix.tuning.search import SearchSettings
    from contramix.tuning.search import tune as run_search
    from contramix.tuning.space import DIMENSIONS

    chosen = resolve(recipe, parse_overrides(set_, None, backbone, vectors), data, domain)
    wanted = None if search is None else parse_names("--search", search, tuple(DIMENSIONS))
    kind = parse_task(task)
    output = Output(json, quiet)
    options = with_progress(options, output, target, out / VECTORS)
    reading = read_records(chosen, data, options)
    print_reading_notes(reading, output)
    target = reading.target if target is None else target
    rows = reading.training
    if unlabeled is not None:
        more = read_records(chosen, unlabeled, options).training
        rows = append_unlabeled(rows, more, target, str(unlabeled))
    command = shlex.join(["contramix", *sys.argv[1:]])
    result = run_search(
        out,
        rows,
        chosen,
        SearchSettings(target, score, labels_per_class, kind, metric, trials, wanted, steps, fresh, seed),
        device=device,
        where=str(data),
        command=command,
        reporter=CommandReporter(quiet),
    )
    table = Table(title=f"{chosen.name} on {data}", caption=f"{result.scorer.words}, best first", box=None)
    for heading in ("trial", "score", "seconds"):
        table.add_column(heading, justify="right")
    table.add_column("settings")
    for trial in result.ranked:
        shown = "failed" if trial.score is None else result.scorer.format(trial.score)
        table.add_row(str(trial.number), shown, f"{trial.seconds:.1f}", result.describe(trial))
    plain = {"data": str(data), "target": target, "command": command, "out": str(out), **result.as_json()}
    use = ["contramix", "pretrain", str(data), "--recipe", str(out / "recipe.toml"), "--out", "run"]
    output.result(plain, table, result.text, f"Use it: {shlex.join(use + (['--target', target] if target else []))}")
