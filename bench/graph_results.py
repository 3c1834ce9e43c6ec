"""The tables of DACL's graphs, from the runs in bench/results/graphs."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

PUBLISHED = {
    "MUTAG": {"none": (81.70, 2.58), "infograph": (86.74, 1.28), "dacl": (85.31, 1.34)},
    "PTC_MR": {"none": (53.07, 1.27), "infograph": (57.09, 1.52), "dacl": (59.24, 2.57)},
    "IMDB-BINARY": {"none": (52.67, 2.08), "infograph": (63.97, 2.05), "dacl": (64.71, 2.13)},
    "IMDB-MULTI": {"none": (33.72, 0.80), "infograph": (39.28, 1.43), "dacl": (40.16, 1.50)},
    "REDDIT-BINARY": {"none": (55.13, 1.86), "infograph": (63.52, 1.66), "dacl": (66.92, 3.38)},
}
"""DACL, table 4."""
TITLES = {"raw": "counts and degrees", "wl": "Weisfeiler-Lehman colours", "none": "no pre-training",
          "infograph": "InfoGraph", "dacl": "DACL"}  # fmt: skip
RATE = 1e-3


def graphs(results: Path) -> Iterator[str]:
    """Table 4 by the published protocol and by an honest one, and what alpha, tau and the cut change."""
    runs = [json.loads(file.read_text()) | {"data": file.parent.name} for file in sorted(results.glob("*/*.json"))]
    yield from ("## Graphs: table 4 of DACL", "")
    yield "`python bench/graphs.py NAME --data-dir DIR/tu`, one command a data set; `--rows`, `--rates` and"
    yield "`--repeats` as the tables show. Published protocol: GIN of 4 layers and width 512, 20 epochs, mixing at"
    yield "the output with alpha .9 and tau 1; a linear layer by 100 full-batch steps of Adam in ten folds, mean"
    yield "over folds and the last five epochs; mean ± standard deviation over repeats. The last column is the"
    yield "difference in standard deviations of both together (of ours with one repeat the paper's alone). Why some"
    yield "differ: [ADR 22](../docs/adr/0022-table-4-of-dacl.md)."
    yield ""
    yield "| data | row | rate | repeats | measured | published | difference |"
    yield "|---|---|---|---|---|---|---|"
    for (data, row, rate), each in _grouped(runs, "published"):
        mean, spread = _moments(each)
        there, theirs = PUBLISHED[data.partition("-width")[0]][row]
        far = (mean - there) / np.hypot(spread or 0.0, theirs)
        yield (
            f"| {_name(data)} | {TITLES[row]} | {'-' if rate is None else f'{rate:g}'} | {len(each)} | "
            f"{_shown(mean, spread)} | {there:.2f} ± {theirs:.2f} | {far:+.1f} |"
        )
    yield ""
    yield "The honest protocol: the same runs at the rate 1e-3, fixed beforehand, the last epoch only, logistic"
    yield "regression whose strength is chosen inside the training folds; plain features beside it, under the same"
    yield "folds."
    yield ""
    found = {(d, w): e for (d, w, rate), e in _grouped(runs, "honest") if rate in (None, RATE)}
    names = list(dict.fromkeys(data for data, _ in found))
    yield f"| | {' | '.join(map(_name, names))} |"
    yield "|---" * (len(names) + 1) + "|"
    for row, title in TITLES.items():
        cells = [_shown(*_moments(found[n, row]), len(found[n, row])) if (n, row) in found else "-" for n in names]
        yield f"| {title} | {' | '.join(cells)} |"
    yield ""
    yield from _untrained(runs)
    yield from _sweeps(runs)


def _grouped(runs: list[dict[str, Any]], protocol: str) -> list[tuple[tuple[str, str, float | None], list[float]]]:
    """Accuracies in % of the repeats of each row, without sweeps, in the order of the tables."""
    each = defaultdict(list)
    for run in runs:
        if protocol in run and not run["changes"]:
            each[run["data"], run["row"], run["rate"]].append(100 * float(np.mean(run[protocol])))
    order, rows = list(PUBLISHED), list(TITLES)

    def place(item: tuple[tuple[str, str, float | None], list[float]]) -> tuple[int, str, int, float]:
        data, row, rate = item[0]
        return order.index(data.partition("-width")[0]), data, rows.index(row), rate or 0.0

    return sorted(each.items(), key=place)


def _sweeps(runs: list[dict[str, Any]]) -> Iterator[str]:
    """What one setting of DACL changes, the others as published; by both protocols."""
    each: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for run in runs:
        for name, value in run["changes"].items():
            if run["row"] == "dacl":
                each[run["data"], name, _value(value)].append(run)
    unchanged = [run for run in runs if run["row"] == "dacl" and run["rate"] == RATE and not run["changes"]]
    for data in dict.fromkeys(data for data, _, _ in each):
        each[data, "none", "alpha .9, tau 1, output"] = [run for run in unchanged if run["data"] == data]
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
        if run["row"] == "none" and run["changes"]:
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


def _shown(mean: float, spread: float | None, repeats: int | None = None) -> str:
    few = f" ({repeats})" if repeats and repeats < 5 else ""
    return f"{mean:.2f}" + ("" if spread is None else f" ± {spread:.2f}") + few


def _name(data: str) -> str:
    name, _, width = data.partition("-width")
    return f"{name}, width {width}" if width else name
