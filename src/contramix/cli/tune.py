"""Define the command ``contramix tune``."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contramix.cli.app import Command, Data, Debug, Device, Json, Output, Quiet, app
from contramix.cli.evaluation_options import MetricName, TaskName, task_kind
from contramix.cli.pretrain import Changes, changed
from contramix.cli.reading_options import DomainName, labelled, reads_data, tell, watching

if TYPE_CHECKING:
    from contramix.io.options import ReadOptions


@app.command(cls=Command)
@reads_data
def tune(
    options: "ReadOptions",
    data: Data,
    out: Annotated[Path, typer.Option(help="The search's folder. An unfinished search in it goes on.")],
    recipe: Annotated[
        str, typer.Option(help="What to tune: a recipe's name ('contramix recipes' lists them) or a TOML file.")
    ] = "imix-npair",
    target: Annotated[str | None, typer.Option(help="A column that is not an input: what is to be predicted.")] = None,
    score: Annotated[
        str,
        typer.Option(
            help="labels: a linear probe learned from few labels, judged on held-out rows. rankme: the effective rank "
            "of their representations, which needs no labels and says less. auto: labels where there is a --target."
        ),
    ] = "auto",
    labels_per_class: Annotated[
        int,
        typer.Option(min=1, help="Labels a class that the probe learns from; of a quantity ten times as many rows."),
    ] = 20,
    trials: Annotated[int, typer.Option(min=1, help="Settings to try; a later call may ask for more.")] = 20,
    search: Annotated[
        str | None,
        typer.Option(
            help="What to search: noise,temperature,alpha,width,cut. Default: all that the recipe has; by rankme noise "
            "and alpha only, for it cannot judge the others."
        ),
    ] = None,
    steps: Annotated[
        int, typer.Option(min=1, help="The longest that a trial trains; the recipe written keeps its own length.")
    ] = 500,
    fresh: Annotated[
        int, typer.Option(min=2, help="Fresh splits, seeds and draws of labels on which the best is checked.")
    ] = 5,
    domain: DomainName = None,
    set_: Changes = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same search on the same machine.")] = 0,
    task: TaskName = None,
    metric: MetricName = None,
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Search a recipe's settings for your data, and write them as a recipe.

    Give training rows only: whatever tunes on rows of a test has seen the test. A fifth of the rows is held out of
    pre-training and of the probe, to judge. The first trial is the recipe as it is; at the end it and the best are
    compared again on fresh splits. Stop it with Ctrl-C or kill it: the same command goes on.
    """
    from rich.table import Table

    from contramix.cli.evaluation_options import names
    from contramix.cli.reporter import CommandReporter
    from contramix.domains import DOMAINS
    from contramix.recipe import resolve
    from contramix.tuning.search import SearchSettings
    from contramix.tuning.search import tune as run_search
    from contramix.tuning.space import DIMENSIONS

    chosen = resolve(recipe, changed(set_, None), data, domain)
    wanted = None if search is None else names("--search", search, tuple(DIMENSIONS))
    kind = task_kind(task)
    output = Output(json, quiet)
    options = watching(options, output, target)
    reading = DOMAINS[chosen.domain].read(data, options, chosen.data)
    tell(reading, output)
    target = reading.target if target is None else target
    rows = reading.training if target is None else labelled(reading.training, reading, target, output)
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
