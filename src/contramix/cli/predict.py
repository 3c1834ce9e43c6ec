"""Define the command ``contramix predict``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contramix.cli.app import Command, Data, Debug, Device, Json, Output, Quiet, app
from contramix.cli.evaluation_options import parse_class_prior
from contramix.cli.reading_options import (
    columns_to_copy,
    print_reading_notes,
    reads_data,
    unreadable_files,
    with_progress,
)

if TYPE_CHECKING:
    from contramix.io.options import ReadOptions


@app.command(cls=Command)
@reads_data
def predict(
    options: "ReadOptions",
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Folder of a model (--out of fit or finetune).")],
    data: Data,
    out: Annotated[Path, typer.Option(help="File to write: .parquet or .csv.")],
    keep: Annotated[
        list[str] | None, typer.Option(help="Column of DATA to copy to the output. May be repeated.")
    ] = None,
    class_prior: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLASS=SHARE",
            help="Share of a class in DATA, to which probabilities are adjusted: --class-prior yes=0.1 --class-prior "
            "no=0.9, one for each class; or 'estimate'. Default: those given to fit, or else the shares among the "
            "labeled rows. May be repeated.",
        ),
    ] = None,
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Predict the target of each row of DATA, and write one row for each, in the same order.

    The column 'prediction' holds the predicted class or number. For classification, further columns hold the
    probability of each class, such as 'p_cat' for the class 'cat'.
    """
    from contramix.embedding.columns import check_destination, check_kept, write_columns
    from contramix.models.pretrained import Pretrained
    from contramix.models.pretraining import resolve_device
    from contramix.predictors.blend_model import load_predictor

    output, prior = Output(json, quiet), parse_class_prior(class_prior)
    options = with_progress(options, output)
    check_destination(out, keep or (), data, (".parquet", ".csv"))
    predictor = load_predictor(Pretrained.load(model, resolve_device(device)), model)
    reading = predictor.read(data, options)
    kept = columns_to_copy(reading.table, predictor.context_columns(reading.table), keep or (), out)
    check_kept(kept, reading.table.column_names, predictor.result_names)
    print_reading_notes(reading, output)
    for note in predictor.unknown(reading.table, (*kept, predictor.task.target)):
        output.note(note)
    columns = predictor.predict(reading.table, prior)
    write_columns(out, columns, reading.table, kept)
    facts = {
        "model": str(model),
        "data": str(data),
        "out": str(out),
        "rows": reading.table.num_rows,
        "target": predictor.task.target,
        "classes": list(predictor.task.classes),
        **unreadable_files(reading),
    }
    what = f"{len(predictor.task.classes)} classes" if predictor.task.classes else "a number"
    output.result(facts, f"{out}: {reading.table.num_rows:,} predictions of {predictor.task.target} ({what})")
