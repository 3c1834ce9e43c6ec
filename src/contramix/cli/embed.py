"""contramix embed"""

from pathlib import Path
from typing import Annotated

import typer

from contramix.cli.app import (
    Data,
    Debug,
    Decimal,
    Delimiter,
    Device,
    Encoding,
    Header,
    Json,
    Missing,
    OnBadRows,
    Output,
    Quiet,
    Run,
    app,
    read_options,
)


@app.command()
def embed(
    run: Run,
    data: Data,
    out: Annotated[Path, typer.Option(help="The file to write: .parquet, .csv or .npy.")],
    keep: Annotated[list[str] | None, typer.Option(help="A column of DATA to carry over; may be repeated.")] = None,
    device: Device = "auto",
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
    header: Header = None,
    missing: Missing = None,
    on_bad_rows: OnBadRows = "fail",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write the representation of each row: one row of float32 a record, in order."""
    from contramix.embeddings import check_destination, check_kept, write_embeddings
    from contramix.fitting import resolve_device
    from contramix.pretrained import Pretrained

    output = Output(json, quiet)
    check_destination(out, keep or (), data)
    model = Pretrained.load(run, resolve_device(device))
    reading = model.read(data, read_options(delimiter, encoding, decimal, header, missing, on_bad_rows))
    kept = list(dict.fromkeys(keep or ()))
    check_kept(kept, reading.table.column_names, model.encoder.width)
    for note in (*reading.notes, *model.unknown(reading.table, kept)):
        output.note(note)
    z = model.embed(reading.table)
    write_embeddings(out, z, reading.table, kept)
    facts = {"run": str(run), "data": str(data), "out": str(out), "rows": len(z), "columns": z.shape[1]}
    output.result(facts, f"{out}: {len(z):,} rows of {z.shape[1]} numbers")
