"""Define the command ``contramix pretrain``."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contramix.cli.app import Command, Data, Debug, Device, Json, Output, Quiet, app
from contramix.cli.reading_options import DomainName, print_reading_notes, reads_data, unreadable_files, with_progress
from contramix.errors import InputError

if TYPE_CHECKING:
    from contramix.io.options import ReadOptions

Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="Change a setting of the recipe: --set noise.rate=0.3. May be repeated."
    ),
]
Backbone = Annotated[
    str | None,
    typer.Option(
        help="Pre-trained encoder that turns texts or images into vectors first: a folder or a name of "
        "sentence-transformers (texts) or timm (images), or an ONNX file. Its weights are not changed."
    ),
]
Vectors = Annotated[
    bool,
    typer.Option(
        "--vectors", help="All columns of numbers together are one vector per row, such as that of another model."
    ),
]
Epochs = Annotated[
    int | None, typer.Option(help="Passes over the data. Default: the recipe's, mostly about 500 or 1,000 steps.")
]


@app.command(cls=Command)
@reads_data
def pretrain(
    options: "ReadOptions",
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder of the run. An unfinished run in it is resumed.")],
    recipe: Annotated[
        str, typer.Option(help="Name of a recipe ('contramix recipes' lists them) or a TOML file.")
    ] = "imix-npair",
    domain: DomainName = None,
    target: Annotated[
        str | None,
        typer.Option(
            help="Column to exclude from the input because it will be predicted later. Labels that come with the "
            "data are always excluded."
        ),
    ] = None,
    backbone: Backbone = None,
    vectors: Vectors = False,
    set_: Changes = None,
    epochs: Epochs = None,
    seed: Annotated[int, typer.Option(help="Random seed. The same seed gives the same model on the same machine.")] = 0,
    device: Device = "auto",
    transductive: Annotated[
        Path | None,
        typer.Option(
            help="File of further rows, such as test rows, whose column statistics are also used, as in the i-Mix code."
        ),
    ] = None,
    cache: Annotated[
        str,
        typer.Option(
            help="'always': convert a table in chunks to a file in the run's folder, and train from that file. "
            "'never': read it into memory. 'auto': read it into memory if it fits."
        ),
    ] = "auto",
    checkpoint_seconds: Annotated[float, typer.Option(min=0, help="Seconds between checkpoints.")] = 120.0,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Pre-train an encoder on unlabeled records, such as rows of a table, images or audio clips.

    The model, the recipe and a log are saved to the run's folder. If the data come with official splits, only the
    training split is used.

    If the command is interrupted or killed, run it again: it resumes from the last checkpoint and gives the same model.

    To share each batch among several processes, on one or more machines, use torchrun:
    'torchrun --nproc-per-node 2 -m contramix pretrain ...'.
    """
    from contramix.cli.reporter import CommandReporter
    from contramix.domains import DOMAINS
    from contramix.recipe import resolve
    from contramix.runs.folder import VECTORS
    from contramix.runs.pretrain import RunOptions, pretrain_into
    from contramix.runs.source import MemorySource, open_source
    from contramix.runs.worker import run_worker
    from contramix.runtime import distributed

    chosen = resolve(recipe, parse_overrides(set_, epochs, backbone, vectors), data, domain)
    output = Output(json, quiet)
    options = with_progress(options, output, target, out / VECTORS)
    source = open_source(data, chosen, out, target=target, transductive=transductive, options=options, cache=cache)
    records = source.records if isinstance(source, MemorySource) else None
    if records is not None:
        print_reading_notes(records, output)
    for note in source.notes:
        output.note(note)
    if distributed.rank() > 0:
        run_worker(out, source, chosen, seed=seed, device=device)
        return
    run_options = RunOptions(checkpoint_seconds, shlex.join(["contramix", *sys.argv[1:]]))
    outcome = pretrain_into(
        out,
        source,
        chosen,
        seed=seed,
        device=device,
        options=run_options,
        reporter=CommandReporter(quiet, progress_lines=True),
    )
    facts: dict[str, Any] = {
        "run": str(out),
        "recipe": chosen.name,
        "rows": outcome.model.facts["rows"],
        "records": DOMAINS[chosen.source_domain].records,
        "columns": sum(len(names) for names in outcome.model.spec.kinds.values()),
        "form": outcome.model.spec.summary,
        "bad_files": unreadable_files(records).get("bad_files", []),
        "left_out": [c.model_dump() for c in outcome.model.spec.left_out],
        "epochs": outcome.model.facts["epochs"],
        "steps": outcome.model.facts["steps"],
        "loss": outcome.loss,
        "health": outcome.model.facts.get("health", {}),
        "alarms": outcome.model.facts.get("alarms", []),
        "representation": outcome.model.encoder.width,
        "seconds": round(outcome.seconds, 2),
        "resumed_from": outcome.resumed_from,
        "already_finished": outcome.was_finished,
    }
    output.result(facts, _summary(facts))


def _summary(facts: dict[str, Any]) -> Any:
    from rich.table import Table

    table = Table(box=None, show_header=False)
    state = "was finished already" if facts["already_finished"] else f"finished in {facts['seconds']:.1f} s"
    if facts["resumed_from"] is not None:
        state += f", resumed from step {facts['resumed_from']}"
    loss = "-" if facts["loss"] is None else f"{facts['loss']:.4f}"
    excluded = [c["name"] for c in facts["left_out"]] + [bad["file"] for bad in facts["bad_files"]]
    names = ", ".join(excluded[:12]) + (f" and {len(excluded) - 12} more" if excluded[12:] else "")
    alarms = ", ".join(alarm["name"].replace("_", " ") for alarm in facts["alarms"]) or "none"
    for name, value in (
        ("run", f"{facts['run']}, {state}"),
        ("recipe", facts["recipe"]),
        (
            "data",
            f"{facts['rows']:,} {facts['records']}, {facts['form']}; left out: {names or 'none'}",
        ),
        ("training", f"{facts['epochs']} epochs, {facts['steps']:,} steps, last loss {loss}"),
        ("representation", f"{facts['representation']} numbers each; alarms: {alarms}"),
        ("next", f"contramix embed {shlex.quote(facts['run'])} DATA --out embeddings.parquet"),
    ):
        table.add_row(name, value)
    return table


def parse_overrides(
    settings: list[str] | None, epochs: int | None, backbone: str | None = None, vectors: bool = False
) -> dict[str, Any]:
    """Convert the values of --set, --epochs, --backbone and --vectors to changed settings of a recipe.

    For example, ``["noise.rate=0.3"]`` and 20 give ``{"noise.rate": 0.3, "train.epochs": 20}``.
    """
    overrides = dict(_parse_setting(text) for text in settings or [])
    overrides |= {} if backbone is None else {"backbone.name": backbone}
    overrides |= {"table.embedding": ["*"]} if vectors else {}
    return overrides if epochs is None else {**overrides, "train.epochs": epochs}


def _parse_setting(text: str) -> tuple[str, Any]:
    """Split "name=value" into the name and the value.

    The value is parsed as TOML: "0.3" gives a number. A value that is not valid TOML is returned as text.
    """
    import tomllib

    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise InputError(f"--set {text}: give NAME=VALUE, such as --set noise.rate=0.3")
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return name.strip(), value.strip()
