"""contramix embed"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contramix.cli.app import Data, Debug, Device, Json, Output, Quiet, Run, app
from contramix.cli.reading import carried, left_out, reads_data, tell, watching

if TYPE_CHECKING:
    from contramix.domains.table.options import ReadOptions


@app.command()
@reads_data
def embed(
    options: "ReadOptions",
    run: Run,
    data: Data,
    out: Annotated[Path, typer.Option(help="The file to write: .parquet, .csv or .npy.")],
    keep: Annotated[list[str] | None, typer.Option(help="A column of DATA to carry over; may be repeated.")] = None,
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write the representation of each record: one row of float32 each, in order.

    Of other data than tables, file, label and official part stand beside it, where they are known.
    """
    from contramix.embeddings import check_destination, check_kept, embedding_names, write_embeddings
    from contramix.fitting import resolve_device
    from contramix.pretrained import Pretrained

    output = Output(json, quiet)
    options = watching(options, output)
    check_destination(out, keep or (), data)
    model = Pretrained.load(run, resolve_device(device))
    reading = model.read(data, options)
    kept = carried(reading.table, model.beside(reading.table), keep or (), out)
    check_kept(kept, reading.table.column_names, embedding_names(model.encoder.width))
    tell(reading, output)
    for note in model.unknown(reading.table, kept):
        output.note(note)
    z = model.embed(reading.table)
    write_embeddings(out, z, reading.table, kept)
    facts = {"run": str(run), "data": str(data), "out": str(out), "rows": len(z), "columns": z.shape[1]}
    facts |= left_out(reading)
    output.result(facts, f"{out}: {len(z):,} rows of {z.shape[1]} numbers")
