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


def best_plain(lines: Mapping[str, Line]) -> str:
    """Return the name of the single plain model with the best mean score.

    Parameters
    ----------
    lines
        Lines of one data set with one number of labels, by the name of the model.
    """
    plain = [name for name in lines if name not in NO_PLAIN_MODEL]
    return max(plain, key=lambda name: float(percent(lines[name]).mean()))


def percent(line: Line) -> ndarray:
    """Return the scores of a line in percent, one for each draw of labels."""
    return np.asarray(100 * np.array(line["scores"][line["metric"]]))


def scores_by_model(suite: str) -> dict[tuple[str, str], dict[str, Line]]:
    """Return the lines of a suite, for each data set and number of labels by the name of the model."""
    found: dict[tuple[str, str], dict[str, Line]] = {}
    for line in result_lines.read(suite):
        found.setdefault((line["block"], line["labels"]), {})[line["row"]] = line
    return found


def commits(found: Mapping[tuple[str, str], Mapping[str, Line]]) -> str:
    """Return the commits at which lines were measured, as text."""
    return ", ".join(dict.fromkeys(line["commit"][:12] for lines in found.values() for line in lines.values()))


def predictor() -> Iterator[str]:
    """Yield the table that compares the default predictor with the best plain model on each data set."""
    found = scores_by_model(FEW_LABELS)
    if not found:
        return
    yield from ("## The default predictor with few labels", "")
    yield "`python -m bench.experiments.few_label_predictor --data-dir DIR`, which describes the protocol, at commit"
    yield f"{commits(found)}. 20 draws of labels, three pre-training seeds. *Best plain* is the single model"
    yield "without pre-training that has the best mean on the test rows, chosen in hindsight. The differences are"
    yield "paired; the 95 % t interval covers draws of labels. Log loss (California: RMSE) and the top-label"
    yield "calibration error are taken at the class shares of the labeled rows. *Raw + linear* is a linear model on"
    yield "standardized raw features. Except for bank, shoppers and phoneme, log losses and calibration errors of the"
    yield "predictor are of the plain mean: since commit 839194b its probabilities are sharpened"
    yield "([findings 34](../docs/findings/0034-few-label-predictor.md))."
    yield ""
    for is_table, title in ((True, "Tables"), (False, "Other domains")):
        chosen = {key: lines for key, lines in found.items() if is_table == (lines["predictor"]["domain"] == "table")}
        if not chosen:
            continue
        yield from (f"### {title}", "")
        head = ["data, labels, score", "predictor", "best plain", "difference"]
        head += ["equal mean of the parts, difference", "log loss", "of raw + linear"]
        head += ["calibration error", "of raw + linear"]
        yield from (f"| {' | '.join(head)} |", "|---" * len(head) + "|")
        for (name, labels), lines in chosen.items():
            ours, best = lines["predictor"], best_plain(lines)
            error = "rmse" if ours["metric"] == "r2" else "log_loss"
            reference = lines["linear" if is_table else "raw"]
            plain = percent(lines[best])
            cells = [f"{name}, {labels}, {ours['metric'].replace('_', ' ')}", mean_score(percent(ours))]
            cells += [f"{mean_score(plain)} ({best})", difference(percent(ours) - plain)]
            cells += [f"{(percent(lines['equal mean']) - plain).mean():+.2f}"]
            cells += [_error(line, error) for line in (ours, reference)]
            cells += [_error(line, "calibration_error") for line in (ours, reference)]
            yield f"| {' | '.join(cells)} |"
        yield ""


def difference(gain: ndarray) -> str:
    """Return the mean of paired differences and its 95 % t interval as text."""
    half = half_width(gain)
    mean, low, high = (round(gain.mean() + side * half, 1) + 0.0 for side in (0, -1, 1))  # + 0.0: no "-0.0"
    return f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"


def half_width(scores: ndarray) -> float:
    """Return half the width of the 95 % t interval of the mean."""
    return float(stats.t.ppf(0.975, len(scores) - 1) * scores.std(ddof=1) / np.sqrt(len(scores)))


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
