"""Define the command ``contramix info``."""

from typing import TYPE_CHECKING, Any

from contramix.cli.app import Command, Debug, Json, Output, Quiet, Run, app

if TYPE_CHECKING:
    from rich.table import Table

    from contramix.models.pretrained import Pretrained


@app.command(cls=Command)
def info(run: Run, json: Json = False, quiet: Quiet = False, debug: Debug = False) -> None:
    """Describe a run: its recipe, data, used and excluded columns, training, machine, health measures and alarms."""
    from rich.table import Table

    from contramix.domains import DOMAINS
    from contramix.models.pretrained import Pretrained
    from contramix.monitoring.data_rank import describe_data_rank

    model = Pretrained.load(run)
    spec, facts = model.spec, model.facts
    kinds = spec.kinds
    plain = {
        **facts,
        "target": spec.target,
        "columns": kinds,
        "left_out": [c.model_dump() for c in spec.left_out],
        "settings": model.recipe.to_dict(),
    }
    table = Table(box=None, show_header=False)
    weights = sum(p.numel() for p in model.encoder.parameters())
    table.add_row("recipe", f"{model.recipe.name}: {model.recipe.method.__class__.__name__} with {_mixing(model)}")
    rows = f"{facts.get('rows', spec.rows):,} {DOMAINS[spec.domain].records}"
    table.add_row("data", f"{rows}, {spec.summary}; target {spec.target or 'none'}")
    for kind, names in kinds.items():
        table.add_row(f"{kind} columns", f"{len(names)}: {', '.join(names[:12])}{' ...' if names[12:] else ''}")
    if "predicts" in facts:
        made = facts["predicts"]
        how, learning = (
            ("blend", facts["blend"]) if made.get("head") == "blend" else ("fine-tuned", facts["finetuning"])
        )
        what = f", {len(made['classes'])} classes" if made["classes"] else ""
        table.add_row("predicts", f"{made['target']}{what}, {how} on {learning['labelled_rows']:,} labeled rows")
    if facts.get("data_rank"):
        table.add_row("rank of data", describe_data_rank(facts["data_rank"]))
    for left_out in spec.left_out:
        table.add_row("left out", f"{left_out.name}: {left_out.reason}")
    table.add_row(
        "encoder",
        f"{weights:,} weights, {model.encoder.width} numbers each, stages {', '.join(model.encoder.cuts)}",
    )
    seconds = facts.get("seconds")
    time = "" if seconds is None else f", {seconds:.1f} s"
    time += f", {facts['processes']} processes" if facts.get("processes", 1) > 1 else ""
    table.add_row(
        "training",
        f"{facts.get('epochs', '?')} epochs, {facts.get('steps', 0):,} steps{time}, seed {facts.get('seed')}",
    )
    table.add_row(
        "made by",
        f"contramix {facts['contramix']}, {', '.join(f'{k} {v}' for k, v in facts['environment'].items())}",
    )
    if facts.get("command"):
        table.add_row("command", facts["command"])
    for alarm in facts.get("alarms", []):
        table.add_row("alarm", f"step {alarm['step']}: {alarm['text']}")
    output = Output(json, quiet)
    output.result(plain, table, *([_health(facts["health"])] if facts.get("health") else []))


def _health(reading: dict[str, Any]) -> "Table":
    """Return a table with the name, value and meaning of each health measure of a run, such as the effective rank.

    ``reading`` holds the last measures that were taken in training: the value by the name of the measure, and the
    training step under the key ``step``.
    """
    from rich.table import Table

    from contramix.monitoring.representation_measures import MEANING

    table = Table(title=f"health at step {reading['step']}", title_justify="left", box=None, show_header=False)
    for name, meaning in MEANING.items():
        if name in reading:
            table.add_row(name.replace("_", " "), f"{reading[name]:.4g}", meaning)
    return table


def _mixing(model: "Pretrained") -> str:
    """Return a text that names the noise of a model's recipe, and i-Mix if it is used: "MixupNoise noise and i-Mix"."""
    noise = f"{model.recipe.noise.__class__.__name__} noise"
    return f"{noise} and i-Mix" if model.recipe.imix else noise
