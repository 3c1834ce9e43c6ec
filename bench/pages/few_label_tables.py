"""Write the tables of few labels for RESULTS.md: the default predictor, and the search for the default recipes."""

import json
from collections.abc import Iterator, Mapping

import numpy as np
from numpy import ndarray
from scipy import stats

from bench import result_lines
from bench.result_lines import Line

FEW_LABELS = "few-label-predictor"
NO_PLAIN_MODEL = ("predictor", "equal mean")
"""Rows of the suite ``few-label-predictor`` that use representations."""


def best_plain(scores: Mapping[str, Line], metric: str) -> str:
    """Return the name of the single plain model with the best mean score."""
    plain = [name for name in scores if name not in NO_PLAIN_MODEL]
    return max(plain, key=lambda name: float(np.mean(scores[name]["scores"][metric])))


def few_label_scores() -> dict[tuple[str, str], dict[str, Line]]:
    """Return the lines of each table and number of labels by the name of the model."""
    found: dict[tuple[str, str], dict[str, Line]] = {}
    for line in result_lines.read(FEW_LABELS):
        found.setdefault((line["block"], line["labels"]), {})[line["row"]] = line
    return found


def predictor() -> Iterator[str]:
    """Yield the table that compares the default predictor with the best plain model on each table."""
    found = few_label_scores()
    if not found:
        return
    commit = next(iter(next(iter(found.values())).values()))["commit"]
    yield from ("## The default predictor with few labels, on tables", "")
    yield "`python -m bench.experiments.few_label_predictor --data-dir DIR`, which describes the protocol, at commit"
    yield f"{commit[:12]}. 20 draws of labels, three pre-training seeds. AUROC, California R squared. *Best plain* is"
    yield "the single plain model with the best mean on the test rows, chosen in hindsight. The differences are paired;"
    yield "the 95 % t interval covers draws of labels. Log loss (California: RMSE) and the top-label calibration error"
    yield "are taken at the class shares of the labeled rows. *Raw + linear* is a linear model on standardized columns."
    yield ""
    head = ["table, labels", "predictor", "best plain", "difference", "equal mean of the parts, difference"]
    head += ["log loss", "of raw + linear", "calibration error", "of raw + linear"]
    yield from (f"| {' | '.join(head)} |", "|---" * len(head) + "|")
    for (table, labels), lines in found.items():
        metric = "auroc" if "auroc" in lines["predictor"]["scores"] else "r2"
        error = "log_loss" if metric == "auroc" else "rmse"
        best = best_plain(lines, metric)
        score = {name: 100 * np.array(line["scores"][metric]) for name, line in lines.items()}
        cells = [f"{table}, {labels}", mean_score(score["predictor"]), f"{mean_score(score[best])} ({best})"]
        cells += [difference(score["predictor"] - score[best])]
        cells += [f"{(score['equal mean'] - score[best]).mean():+.2f}"]
        cells += [_error(lines[name], error) for name in ("predictor", "linear")]
        cells += [_error(lines[name], "calibration_error") for name in ("predictor", "linear")]
        yield f"| {' | '.join(cells)} |"
    yield ""


def difference(gain: ndarray) -> str:
    """Return the mean of paired differences and its 95 % t interval as text."""
    half = stats.t.ppf(0.975, len(gain) - 1) * gain.std(ddof=1) / np.sqrt(len(gain))
    return f"{gain.mean():+.1f} ({gain.mean() - half:+.1f} to {gain.mean() + half:+.1f})"


def mean_score(scores: ndarray) -> str:
    """Return the mean and standard deviation of scores as text."""
    return f"{scores.mean():.1f} ± {scores.std(ddof=1):.1f}"


def _error(line: Line, name: str) -> str:
    mean = float(np.mean(line["scores"][name])) if name in line["scores"] else None
    return "-" if mean is None else f"{mean:,.0f}" if name == "rmse" else f"{mean:.3f}"


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
