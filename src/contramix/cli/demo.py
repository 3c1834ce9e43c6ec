"""Define the command ``contramix demo``."""

from pathlib import Path
from typing import Annotated

import typer

from contramix.cli.app import Command, Debug, Device, Json, Output, Quiet, app


@app.command(cls=Command)
def demo(
    out: Annotated[Path, typer.Option(help="Folder of the runs. Finished runs in it are reused.")] = Path(
        "contramix-demo"
    ),
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the data, the same for every recipe.")] = 20,
    seeds: Annotated[int, typer.Option(min=1, max=20, help="Runs of each recipe.")] = 1,
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Compare i-Mix and DACL with baselines on CovType rows that come with the package.

    Pre-trains five recipes for the same number of epochs on the 15,120 official training rows, without labels, and
    probes their representations on 20,000 other rows. Takes a few minutes on two cores.
    """
    from contramix.cli.evaluation_options import write_reports
    from contramix.cli.reporter import CommandReporter
    from contramix.datasets import COVTYPE
    from contramix.evaluation.summary import as_json, as_table
    from contramix.io.tables.reading import read
    from contramix.models.pretrained import Pretrained
    from contramix.reproduction.demo import TARGET, run_demo

    output = Output(json, quiet)
    command = f"contramix demo --epochs {epochs} --seeds {seeds}"
    evaluation = run_demo(
        out,
        epochs=epochs,
        seeds=seeds,
        device=device,
        command=command,
        reporter=CommandReporter(quiet),
    )
    report = as_json(
        "CovType: 15,120 training and 20,000 test rows", evaluation, command=command, epochs=epochs, runs=str(out)
    )
    best = out / evaluation.verdicts[0].recipe / "seed0"
    runs = [out / verdict.recipe / "seed0" for verdict in evaluation.verdicts]
    write_reports(out, report, runs, Pretrained.load(best), read(COVTYPE / "train.parquet").table, TARGET, output)
    title = f"CovType, 15,120 training rows, 20,000 test rows, {epochs} epochs, {seeds} seed{'s' * (seeds > 1)}"
    table = as_table(title, evaluation)
    output.result(report, table, *evaluation.paragraphs(), f"Runs, report.json and report.html are in {out}.")
