"""The tables of DACL's graphs, from the runs in bench/results/graphs."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np


def graphs(results: Path, suites: Path) -> Iterator[str]:
    """What alpha, tau and the cut change, and the linear layer's rate; beside the suite's own runs."""
    runs = [json.loads(file.read_text()) | {"data": file.parent.name} for file in sorted(results.glob("*/*.json"))]
    yield from ("## Graphs: what settings change in table 4 of DACL", "")
    yield "`python bench/graphs.py sweep NAME --data-dir DIR`, and `untrained`; the table itself is the suite"
    yield "`dacl-table4`, above. Why some numbers differ from the published ones:"
    yield "[findings 22](../docs/findings/0022-dacl-table-4-graphs.md)."
    yield ""
    yield from _untrained(runs)
    yield from _sweeps(runs, suites / "dacl-table4" / "cpu")


def _sweeps(runs: list[dict[str, Any]], suite: Path) -> Iterator[str]:
    """What one setting of DACL changes, the others as published; by both protocols."""
    each: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for run in runs:
        for name, value in run["changes"].items():
            if "honest" in run:
                each[run["data"], name, _value(value)].append(run)
    for data in dict.fromkeys(data for data, _, _ in each):
        unchanged = sorted((suite / data / "dacl 1e-3").glob("seed*/report.json"))
        each[data, "none", "alpha .9, tau 1, output"] = [json.loads(file.read_text()) for file in unchanged]
    yield from ("### What alpha, tau and the cut change", "")
    yield "The paper fixes alpha .9, tau 1 and the output. One setting changed at a time, rate 1e-3; a cut behind"
    yield "layer l mixes what layers 1 to l pooled; «all» draws one anew each step. Mean ± standard deviation over"
    yield "repeats."
    yield ""
    yield "| data | changed | value | repeats | published protocol | honest |"
    yield "|---|---|---|---|---|---|"
    for (data, name, value), several in sorted(each.items(), key=lambda kv: (kv[0][0], kv[0][1] != "none", kv[0][1])):
        cells = [_shown(*_moments([100 * float(np.mean(run[p])) for run in several])) for p in ("published", "honest")]
        yield f"| {data} | {name} | {value} | {len(several)} | {' | '.join(cells)} |"
    yield ""


def _untrained(runs: list[dict[str, Any]]) -> Iterator[str]:
    """An encoder as it begins, under several rates of the linear layer."""
    each: dict[tuple[str, str, float], list[float]] = defaultdict(list)
    for run in runs:
        if "honest" not in run:
            each[run["data"], *run["changes"].values()].append(100 * float(np.mean(run["published"])))
    rates = sorted({rate for _, _, rate in each}, reverse=True)
    yield from ("### An encoder as it begins", "")
    yield "No pre-training, published protocol, at several rates of the linear layer; BatchNorm's statistics as they"
    yield "begin (mean 0, variance 1), or computed from the graphs without labels."
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
