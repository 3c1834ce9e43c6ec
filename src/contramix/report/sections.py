"""Prepare the content of each section of the report page: plain values for the HTML template, and figures."""

from collections.abc import Sequence
from typing import Any

from contramix.evaluation.answers import ANSWERS, candidate_in_words
from contramix.evaluation.answers import points as points_with_interval
from contramix.evaluation.verdict import Outcome
from contramix.monitoring.data_rank import describe_data_rank
from contramix.monitoring.representation_measures import MEANING
from contramix.report import comparison_figures, curve_figures, map_figure
from contramix.report.evaluation_report import EvaluationReport, parse_report
from contramix.report.figures import figures_as_json
from contramix.report.page import ReportData
from contramix.report.run_facts import RunFacts
from contramix.report.wording import (
    OUTCOMES,
    duration,
    interval,
    labels_in_words,
    metric_in_words,
    number,
    probe_in_words,
    score,
)

Section = dict[str, Any]
MAX_NAMES = 60
"""Maximum number of column names that are listed for each kind of column."""


def sections(data: ReportData) -> Section:
    """Return a dictionary from variable name to value for the HTML template of the report.

    Each section of the page has a key, such as ``verdict``, ``comparison``, ``training``, ``columns`` and ``map``,
    whose value is None if there is no data for the section. The key ``payload`` holds the figures and the map as JSON
    objects for the script of the page.
    """
    figures: dict[str, Any] = {}
    found = None if data.evaluation is None else parse_report(data.evaluation)
    shown = {
        "title": data.title,
        "lead": _lead(data, found),
        "verdict": _verdict(found, figures) if found else None,
        "alarms": [
            {**alarm, "name": alarm["name"].replace("_", " "), "run": run.name}
            for run in data.runs
            for alarm in run.alarms
        ],
        "comparison": _comparison(found, figures) if found and found.rows else None,
        "training": _training(data.runs, figures),
        "columns": _columns(data.runs),
        "runs": [_run(run) for run in data.runs],
        "commands": _commands(data, found),
        "environment": _environment(data),
        "map": None,
    }
    map_values = None
    if data.map is not None:
        figures["map-figure"], map_values = map_figure.draw(data.map)
        shown["map"] = {"method": data.map.method, "records": len(data.map.rows), "first": int(data.map.rows[0]) + 1}
    return {**shown, "payload": {"figures": figures_as_json(figures), "map": map_values}}


def _lead(data: ReportData, found: EvaluationReport | None) -> list[tuple[str, str]]:
    facts = []
    if found and found.data != data.title:
        facts.append(("Data", found.data))
    target = (found and found.target) or next((run.target for run in data.runs if run.target), None)
    if target:
        facts.append(("Target", target))
    if data.runs:
        recipes = list(dict.fromkeys(str(run.config.get("recipe", run.name)) for run in data.runs))
        facts.append(("Recipe" if len(recipes) == 1 else "Recipes", ", ".join(recipes)))
        facts.append(("Trained on", f"{data.runs[0].rows:,} rows without labels"))
    return [(name, value) for name, value in facts if value]


def _verdict(found: EvaluationReport, figures: dict[str, Any]) -> Section:
    plain = {a.budget: (a.baseline, a.baseline_probe) for a in found.against_best}
    drawn = []
    for n, (title, made) in enumerate(comparison_figures.draw_by_labels(found.rows, found.metric, plain)):
        figures[f"best-{n}"] = made
        drawn.append({"id": f"best-{n}", "title": title, "height": made.height})
    outcome, sentence = _headline(found)
    return {
        "class": _class(outcome),
        "sign": OUTCOMES[outcome][0],
        "sentence": sentence,
        "figures": drawn,
        "best": [
            {
                "labels": labels_in_words(b.budget),
                "name": candidate_in_words(b.name, b.probe),
                "score": f"{100 * b.mean:.1f} %",
                "next": candidate_in_words(b.runner_up, b.runner_up_probe),
                "difference": points_with_interval(b.difference, b.interval),
                "beyond_noise": "yes" if b.clear else "no",
            }
            for b in found.best
        ],
        "against": [
            {
                "recipe": a.recipe,
                "labels": labels_in_words(a.budget),
                "class": _class(a.outcome),
                "sign": OUTCOMES[a.outcome][0],
                "answer": ANSWERS[a.outcome],
                "against": candidate_in_words(a.baseline, a.baseline_probe),
                "difference": points_with_interval(a.difference, a.interval),
            }
            for a in found.against_best
        ],
        "training": [
            {
                "recipe": verdict.recipe,
                "labels": labels_in_words(c.budget),
                "class": _class(c.outcome),
                "sign": OUTCOMES[c.outcome][0],
                "answer": ANSWERS[c.outcome],
                "against": c.against,
                "difference": points_with_interval(c.difference, c.interval),
                "confidence": f"{100 * verdict.confidence:.4g} %",
            }
            for verdict in found.verdicts or [found.verdict]
            for c in verdict.comparisons
        ],
        "texts": [verdict.text for verdict in found.verdicts or [found.verdict]],
        "advice": found.advice,
        "notes": found.notes,
    }


def _headline(found: EvaluationReport) -> tuple[Outcome, str]:
    """Return an outcome and a sentence: whether pre-training adds anything to the best baseline without it.

    It helped only if a recipe helped at some number of labels and is not clearly worse than a baseline at any other.
    A report of version 0.1 has no such comparison, and gets the outcome of its verdict.
    """
    if not found.against_best:
        return found.verdict.outcome, OUTCOMES[found.verdict.outcome][1]
    recipe = found.verdict.recipe or found.against_best[0].recipe
    outcomes = {a.outcome for a in found.against_best if a.recipe == recipe}
    if {"helped", "hurt"} <= outcomes:
        return "no difference", "Pre-training helps only with some numbers of labels"
    if "helped" in outcomes:
        return "helped", "Pre-training beats the best model without it"
    if "hurt" in outcomes:
        return "hurt", "A model without pre-training is better"
    return "no difference", "Pre-training adds nothing clear to the best model without it"


def _class(outcome: str) -> str:
    return outcome.replace(" ", "-")


def _comparison(found: EvaluationReport, figures: dict[str, Any]) -> Section:
    metric = found.metric
    words = metric_in_words(metric)
    drawn = []
    for n, (title, made) in enumerate(comparison_figures.draw(found.rows, metric)):
        figures[f"comparison-{n}"] = made
        drawn.append({"id": f"comparison-{n}", "title": title, "height": made.height})
    others = list(dict.fromkeys(name for r in found.rows for name in r.metrics if name != metric))
    return {
        "metric": words,
        "figures": drawn,
        "others": [metric_in_words(name) for name in others],
        "rows": [
            {
                "name": r.name,
                "pretrained": r.kind == "pretrained",
                "labels": labels_in_words(r.budget),
                "probe": probe_in_words(r.probe),
                "score": score(metric, r.mean),
                "interval": interval(metric, r.interval),
                "n": number(r.n),
                "others": [score(name, r.metrics.get(name)) for name in others],
                "seconds": duration(r.seconds),
            }
            for r in found.rows
        ],
    }


def _training(runs: Sequence[RunFacts], figures: dict[str, Any]) -> Section | None:
    loss = curve_figures.loss_figure(runs) if runs else None
    if loss is None:
        return None
    figures["loss"] = loss
    small = []
    for n, (title, meaning, made) in enumerate(curve_figures.health_figures(runs)):
        figures[f"health-{n}"] = made
        small.append({"id": f"health-{n}", "title": title, "meaning": meaning, "height": made.height})
    known = [key for keys in curve_figures.HEALTH.values() for key in keys if _logged(runs, key)]
    references = [f"{MEANING[key]} ({key})" for key in curve_figures.REFERENCES if _logged(runs, key)]
    return {
        "height": loss.height,
        "references": f"Dotted: {' and '.join(references)}." if references else "",
        "small": small,
        "names": [{"name": run.name, "color": n % 8, "dash": n // 8 % 3} for n, run in enumerate(runs)],
        "head": ["first loss", "last loss", *(f"{key.replace('_', ' ')} (last)" for key in known)],
        "rows": [
            {
                "name": run.name,
                "epochs": number(run.config.get("epochs")),
                "steps": number(run.config.get("steps")),
                "time": duration(run.config.get("seconds")),
                "values": [_end(run, "loss", 0), _end(run, "loss", -1), *(_end(run, key, -1) for key in known)],
            }
            for run in runs
        ],
    }


def _logged(runs: Sequence[RunFacts], key: str) -> bool:
    return any(curve_figures.series(run, key)[0] for run in runs)


def _end(run: RunFacts, key: str, place: int) -> str:
    values = curve_figures.series(run, key)[1]
    return number(values[place]) if values else "-"


def _columns(runs: Sequence[RunFacts]) -> Section | None:
    """Return the values for the section on input columns, or None if there are no runs.

    They are taken from the first run, because all runs of a report use the same table. The dictionary has the keys
    ``kinds`` (names of the columns of each kind), ``count``, ``left_out``, ``target``, ``rows`` and ``rank``.
    """
    if not runs:
        return None
    run = runs[0]
    return {
        "kinds": [
            {"kind": kind, "count": len(names), "names": names[:MAX_NAMES], "more": max(0, len(names) - MAX_NAMES)}
            for kind, names in run.columns.items()
        ],
        "left_out": run.left_out,
        "target": run.target,
        "count": sum(len(names) for names in run.columns.values()),
        "rows": f"{run.rows:,}",
        "rank": describe_data_rank(rank) if (rank := run.config.get("data_rank")) else None,
    }


def _run(run: RunFacts) -> Section:
    config = run.config
    facts = {
        "Recipe": config.get("recipe"),
        "Seed": config.get("seed"),
        "Rows": f"{run.rows:,}",
        "Epochs": config.get("epochs"),
        "Steps": number(config.get("steps")),
        "Rows per step": config.get("batch_size"),
        "Time": duration(config.get("seconds")),
        "Device": config.get("device"),
        "Representation": f"{config['representation']} numbers per row" if "representation" in config else None,
    }
    return {
        "name": run.name,
        "facts": [(name, value) for name, value in facts.items() if value not in (None, "", "-")],
        "recipe": run.recipe_toml.strip(),
        "command": config.get("command", ""),
    }


def _commands(data: ReportData, found: EvaluationReport | None) -> list[str]:
    commands = [*(run.config.get("command", "") for run in data.runs), found.command if found else "", data.command]
    return [command for command in dict.fromkeys(commands) if command]


def _environment(data: ReportData) -> list[tuple[str, Any]]:
    first = data.runs[0].config if data.runs else {}
    found = data.environment or {"contramix": first.get("contramix"), **(first.get("environment") or {})}
    return [(name, value) for name, value in found.items() if value is not None]
