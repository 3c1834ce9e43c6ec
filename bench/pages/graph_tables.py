"""Write the tables about graphs for RESULTS.md: what settings change in table 4 of DACL."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from bench import result_lines
from bench.result_lines import Line

SUITE = "graph-settings"
TABLE_4, TABLE_ROW = "dacl-table4", "dacl 1e-3"
"""The suite and its row whose settings are changed one at a time."""


def graphs() -> Iterator[str]:
    """Yield the lines of both tables."""
    runs = result_lines.read(SUITE)
    yield from ("## Graphs: what settings change in table 4 of DACL", "")
    yield "`python -m bench.experiments.graph_settings sweep NAME --data-dir DIR`, and `untrained`; the table itself is"
    yield "the suite `dacl-table4`, above. Why some numbers differ from the published ones:"
    yield "[findings 22](../docs/findings/0022-dacl-table-4-graphs.md)."
    yield ""
    yield from _untrained(runs)
    yield from _sweeps(runs)


def _sweeps(runs: list[Line]) -> Iterator[str]:
    """Compare DACL with one setting changed to DACL as published, by both protocols."""
    each: dict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for run in runs:
        for name, value in run["changes"].items():
            if "honest" in run["scores"]:
                each[run["block"], name, _value(value)].append(run)
    table = [line for line in result_lines.read(TABLE_4) if line["line"] == "run" and line["row"] == TABLE_ROW]
    for data in dict.fromkeys(data for data, _, _ in each):
        unchanged = [run for run in table if (run["scale"], run["block"]) == ("cpu", data)]
        each[data, "none", "alpha .9, tau 1, output"] = unchanged
    yield from ("### What alpha, tau and the cut change", "")
    yield "The paper fixes alpha .9, tau 1 and mixing of the output. Each row changes one setting, at learning rate"
    yield "1e-3. A cut after layer l mixes what layers 1 to l pooled; *all* draws a cut in each step. Mean ± standard"
    yield "deviation over repeats."
    yield ""
    yield "| data | changed | value | repeats | published protocol | honest |"
    yield "|---|---|---|---|---|---|"
    for (data, name, value), several in sorted(each.items(), key=lambda kv: (kv[0][0], kv[0][1] != "none", kv[0][1])):
        scores = {p: [100 * float(np.mean(run["scores"][p])) for run in several] for p in ("published", "honest")}
        cells = [_shown(*_moments(values)) for values in scores.values()]
        yield f"| {data} | {name} | {value} | {len(several)} | {' | '.join(cells)} |"
    yield ""


def _untrained(runs: list[Line]) -> Iterator[str]:
    """Tabulate an untrained encoder under several learning rates of the linear layer."""
    each: dict[tuple[str, str, float], list[float]] = defaultdict(list)
    for run in runs:
        if "honest" not in run["scores"]:
            each[run["block"], *run["changes"].values()].append(100 * float(np.mean(run["scores"]["published"])))
    rates = sorted({rate for _, _, rate in each}, reverse=True)
    yield from ("### An untrained encoder", "")
    yield "No pre-training, the published protocol, several learning rates of the linear layer; BatchNorm with"
    yield "its initial statistics (mean 0, variance 1: *as it begins*) or with those of the graphs, without labels."
    yield ""
    yield f"| data | BatchNorm | {' | '.join(f'{rate:g}' for rate in rates)} |"
    yield "|---" * (len(rates) + 2) + "|"
    for data, norm in dict.fromkeys((data, norm) for data, norm, _ in each):
        yield f"| {data} | {norm} | {' | '.join(_shown(*_moments(each[data, norm, rate])) for rate in rates)} |"
    yield ""


def _value(value: Any) -> str:
    return "all" if isinstance(value, list) else str(value)


def _moments(each: list[float]) -> tuple[float, float | None]:
    return float(np.mean(each)), float(np.std(each, ddof=1)) if len(each) > 1 else None


def _shown(mean: float, spread: float | None) -> str:
    return f"{mean:.2f}" + ("" if spread is None else f" ± {spread:.2f}")
