"""Define the command ``contramix pretrain``."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contramix.cli.app import Command, Data, Debug, Device, Json, Output, Quiet, app
from contramix.cli.reading_options import DomainName, left_out, reads_data, tell, watching
from contramix.errors import InputError

if TYPE_CHECKING:
    from contramix.io.options import ReadOptions

Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="Change a setting of the recipe: --set noise.rate=0.3. May be repeated."
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
            help="Column to leave out of the input, because it will be predicted. Labels of other data than tables are "
            "never input."
        ),
    ] = None,
    set_: Changes = None,
    epochs: Epochs = None,
    seed: Annotated[int, typer.Option(help="Random seed. The same seed gives the same model on the same machine.")] = 0,
    device: Device = "auto",
    transductive: Annotated[
        Path | None,
        typer.Option(help="File of further rows from which column statistics are also learned, as in the i-Mix code."),
    ] = None,
    cache: Annotated[
        str,
        typer.Option(
            help="'always' reads a table portion by portion into a file in the run's folder, and trains from there; "
            "'never' reads it into memory; 'auto' does what fits."
        ),
    ] = "auto",
    checkpoint_seconds: Annotated[float, typer.Option(min=0, help="Seconds between checkpoints.")] = 120.0,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Pre-train an encoder on unlabeled records: rows of a table, images, audio clips and others.

    The run's folder then holds the model, what was learned of the data, the recipe and a log. Of data with official
    parts only the training part is used. Stop it with Ctrl-C or kill it: the same command goes on from the last
    checkpoint, and ends with the same model. Several processes, on one machine or many, share each batch:
    'torchrun --nproc-per-node 2 -m contramix pretrain ...'.
    """
    from contramix.cli.reporter import CommandReporter
    from contramix.domains import DOMAINS
    from contramix.recipe import resolve
    from contramix.runs.pretrain import RunOptions, pretrain_into
    from contramix.runs.source import MemorySource, open_source
    from contramix.runs.worker import run_worker
    from contramix.runtime import distributed

    chosen = resolve(recipe, changed(set_, epochs), data, domain)
    output = Output(json, quiet)
    options = watching(options, output, target)
    source = open_source(data, chosen, out, target=target, transductive=transductive, options=options, cache=cache)
    records = source.records if isinstance(source, MemorySource) else None
    if records is not None:
        tell(records, output)
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
        "records": DOMAINS[chosen.domain].records,
        "columns": sum(len(names) for names in outcome.model.spec.kinds.values()),
        "form": outcome.model.spec.summary,
        "bad_files": left_out(records).get("bad_files", []),
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


def changed(settings: list[str] | None, epochs: int | None) -> dict[str, Any]:
    """The recipe's settings that ``--set`` and ``--epochs`` change."""
    overrides = dict(_setting(text) for text in settings or [])
    return overrides if epochs is None else {**overrides, "train.epochs": epochs}


def _setting(text: str) -> tuple[str, Any]:
    """``name=value``; the value is TOML, and text where it is not."""
    import tomllib

    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise InputError(f"--set {text}: give NAME=VALUE, such as --set noise.rate=0.3")
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return name.strip(), value.strip()
