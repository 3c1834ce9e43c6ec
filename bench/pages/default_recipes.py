"""Write the tables of the search for the default recipes of tables for RESULTS.md."""

import json
from collections.abc import Iterator

import numpy as np

from bench import result_lines
from bench.result_lines import Line


def defaults() -> Iterator[str]:
    """Yield a table for each recipe whose defaults were searched: the settings that were tried, the best first."""
    runs = result_lines.read("default-recipes")
    raw = [run for run in runs if run["row"] == "raw"]
    level = 100 * np.mean([np.mean(scores) for run in raw for scores in run["scores"].values()])
    yield from ("## The default recipes for tables", "")
    yield "Chosen by `bench/experiments/choose_default_recipes.py`: balanced accuracy of a linear probe on rows"
    yield "held out from each table's training split, mean over Adult, Bank Marketing, credit default and CovType, with"
    yield f"20 and 100 labels per class, five draws. Raw features reach {level:.1f}."
    yield ""
    for recipe in sorted({run["row"] for run in runs} - {"raw"}):
        by_settings: dict[str, list[Line]] = {}
        for run in runs:
            if run["row"] == recipe:
                by_settings.setdefault(json.dumps(run["changes"]), []).append(run)
        yield from (f"### {recipe}", "")
        yield from ("| settings | seeds | score | 20 labels | 100 labels |", "|---" * 5 + "|")
        ranked = sorted(by_settings.items(), key=lambda item: (-_seeds(item[1]), -_score(item[1])))
        for settings, group in ranked:
            shown = ", ".join(f"{k} = {v}" for k, v in json.loads(settings).items())
            few, many = (_score(group, labels) for labels in ("20", "100"))
            yield f"| {shown} | {_seeds(group)} | {100 * _score(group):.2f} | {100 * few:.2f} | {100 * many:.2f} |"
        yield ""
        (_, first), (_, second), *_ = ranked
        if _seeds(second) > 1:
            pairs = {(r["block"], r["seed"]): _score([r]) for r in second}
            both = [r for r in first if (r["block"], r["seed"]) in pairs]
            gains = [100 * (_score([r]) - pairs[r["block"], r["seed"]]) for r in both]
            above = sum(g > 0 for g in gains)
            yield f"The first row was chosen. Over {_seeds(both)} seeds and four tables it scores"
            yield f"{np.mean(gains):+.2f} points compared with the second, the recipe before (standard deviation of the"
            yield f"{len(gains)} differences {np.std(gains, ddof=1):.2f}; {above} of them are above zero)."
            yield ""


def _seeds(runs: list[Line]) -> int:
    return len({run["seed"] for run in runs})


def _score(runs: list[Line], labels: str | None = None) -> float:
    return float(np.mean([np.mean(s) for run in runs for key, s in run["scores"].items() if labels in (None, key)]))
