"""Define the command ``contramix embed``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contramix.cli.app import Command, Data, Debug, Device, Json, Output, Quiet, Run, app
from contramix.cli.reading_options import (
    columns_to_copy,
    print_reading_notes,
    reads_data,
    row_counter,
    unreadable_files,
    with_progress,
)

if TYPE_CHECKING:
    from contramix.io.options import ReadOptions


@app.command(cls=Command)
@reads_data
def embed(
    options: "ReadOptions",
    run: Run,
    data: Data,
    out: Annotated[
        Path,
        typer.Option(
            help="File to write: .parquet, .csv or .npy; or a folder, for one Parquet file (a shard) of each "
            "Parquet file in DATA, or of each million rows. An interrupted job resumes at the first missing shard."
        ),
    ],
    keep: Annotated[
        list[str] | None, typer.Option(help="Column of DATA to copy to the output. May be repeated.")
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(help="With a folder: write only a part of the shards, such as 2/8 in the second of 8 processes."),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            help="With a folder: 'local', or 'ray' to write the shards on a Ray cluster, which needs contramix[ray]. "
            "The cluster is RAY_ADDRESS, or all cores of this machine; its nodes must share the paths. "
            "Both write the same files."
        ),
    ] = "local",
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write the representation of each record: one row of float32 numbers per record, in order.

    Tables are read and results are written in chunks, so that memory does not grow with the number of rows. For data
    other than tables, the output also holds the file, label and official split of each record where they are known.
    """
    from contramix.embedding.columns import (
        SUFFIXES,
        check_destination,
        check_engine,
        check_folder,
        check_kept,
        embedding_names,
    )
    from contramix.embedding.ray_backend import write_with_ray
    from contramix.embedding.shards import ShardedOutput
    from contramix.embedding.stream import embed_rows, write_rows
    from contramix.models.pretrained import Pretrained
    from contramix.models.pretraining import resolve_device
    from contramix.runs.folder import VECTORS

    output = Output(json, quiet)
    options = with_progress(options, output, vectors=run / VECTORS)
    folder = out.suffix == "" or (out.is_dir() and out.suffix not in SUFFIXES)
    check_engine(engine, shard, folder)
    check_folder(out, data) if folder else check_destination(out, keep or (), data)
    model = Pretrained.load(run, resolve_device(device))
    rows = model.read_chunks(data, options)
    there = rows.empty_table
    kept = columns_to_copy(there, model.context_columns(there), keep or (), out)
    width = model.encoder.width
    check_kept(kept, there.column_names, embedding_names(width))
    print_reading_notes(rows, output)
    for note in model.unknown(there if rows.table is None else rows.table, kept):
        output.note(note)
    facts = {"run": str(run), "data": str(data), "out": str(out), "rows": rows.rows, "columns": width}
    facts |= unreadable_files(rows)
    if not folder:
        found = embed_rows(model, rows, 0, rows.rows)
        write_rows(out, kept, rows, width, rows.rows, found, row_counter(output, rows.rows))
        output.result(facts, f"{out}: {rows.rows:,} rows of {width} numbers")
        return
    sharded = ShardedOutput(out, model, data, rows, kept)
    shards = sharded.missing(shard)
    sharded.begin()
    on_rows = row_counter(output, sum(shard.rows for shard in shards))
    if engine == "ray":
        write_with_ray(sharded, shards, run, options, str(resolve_device(device)), on_rows)
    else:
        sharded.write(shards, on_rows)
    facts |= {"shards": len(sharded.shards), "written": len(shards), "missing": len(sharded.missing())}
    done = f"{out}: {len(shards)} of {len(sharded.shards)} shards written"
    output.result(facts, f"{done}, {facts['missing']} still missing; {rows.rows:,} rows of {width} numbers in all")
