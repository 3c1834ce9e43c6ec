"""Write the tables of comparisons with the baselines for RESULTS.md, and the pages of recipes on CovType."""

from collections.abc import Iterator

import numpy as np
from scipy import stats

from bench import result_lines
from bench.pages.suite_tables import METRIC_NAMES
from bench.result_lines import Report
from contramix.reproduction.demo import LABELS_PER_CLASS


def real_tables() -> Iterator[str]:
    """Yield a table and its verdicts for each data set of tables."""
    yield from ("## Real tables: recipes compared with the baselines", "")
    yield "Three seeds per recipe; with few labels five draws. Mean ± standard deviation, and the 95 % interval of the"
    yield "mean."
    yield ""
    for (_, name), report in result_lines.reports("compare-tables").items():
        yield from _one_table(name, report)


MEDIA = {
    "cifar10": "JPEG CIFAR-10, 10,000 training images",
    "fsdd": "Free Spoken Digit Dataset, 2,700 training clips",
    "speech": "Speech Commands v0.01, three words, 1,350 training clips",
}


def media() -> Iterator[str]:
    """Yield the tables of images and audio, trained within a budget for two cores."""
    reports = result_lines.reports("compare-media")
    yield from ("## Images and audio within a budget for two cores", "")
    yield "Three seeds per recipe, with 20 labels per class five draws; official test splits; the small network"
    yield "(`cnn`, width 16). Seconds are the mean over seeds of pre-training and probing. CIFAR-10 is stored as JPEG,"
    yield "which loses detail."
    yield ""
    for name, title in MEDIA.items():
        report = reports.get((None, name))
        if report is not None:
            yield from _one_table(title, report)
            yield from _claims(report)


SEQUENCES = {
    "trec": "TREC, 5,452 training questions",
    "sst2": "SST-2, 6,920 training sentences",
    "italy": "ItalyPowerDemand, 67 training series",
    "vowels": "JapaneseVowels, 270 training series of 7 to 26 steps",
    "osuleaf": "OSULeaf, 200 training series",
}


def sequences() -> Iterator[str]:
    """Yield the tables of texts and time series."""
    reports = result_lines.reports("compare-sequences")
    yield from ("## Texts and time series", "")
    yield "`python -m bench.experiments.compare_sequences NAME --data-dir DIR`. Official test splits; three seeds"
    yield "per recipe unless the command states otherwise, with few labels five draws. No other data were used."
    yield "Times were measured on a busy machine; the machine was paused during JapaneseVowels' supervised row."
    yield ""
    for name, title in SEQUENCES.items():
        report = reports.get((None, name))
        if report is not None:
            yield from _one_table(title, report)
            if len(report["rows"][0]["each"]) > 1:  # one seed has no differences to judge
                yield from _claims(report)


CLAIMS = (
    ("i-Mix helps N-pair", "imix-npair", "npair"),
    ("i-Mix helps MoCo", "imix-moco", "moco"),
    ("i-Mix helps BYOL", "imix-byol", "byol"),
    ("i-Mix helps SimCLR", "imix-simclr", "simclr"),
    ("DACL is above Gaussian noise", "dacl", "gaussian"),
    ("DACL+ is above DACL", "dacl-plus", "dacl"),
    ("DACL is above no pre-training", "dacl", "untrained"),
    ("SimCLR is above DACL+", "simclr", "dacl-plus"),
    ("SimCLR + DACL is above SimCLR", "simclr-dacl", "simclr"),
)
"""Orders that the papers claim (i-Mix, table 1; DACL, table 2): text, the better recipe, the other one."""


def _claims(report: Report) -> Iterator[str]:
    """Compare rows whose order the papers claim, by paired differences over seeds."""
    with_all_labels = [r for r in report["rows"] if not r["labels_per_class"] and not r.get("labels")]
    each = {(r["name"], r["probe"]): r["each"] for r in with_all_labels}
    yield from ("| claim of the papers | linear | kNN |", "|---|---|---|")
    for text, above, below in CLAIMS:
        if (above, "linear") in each and (below, "linear") in each:
            cells = [_difference(each[above, probe], each[below, probe]) for probe in ("linear", "knn")]
            yield f"| {text} | {' | '.join(cells)} |"
    yield ""


def _difference(above: list[float], below: list[float]) -> str:
    """Return mean and 95 % t interval of the differences over seeds, and the verdict."""
    gains = 100 * (np.array(above) - np.array(below))
    half = stats.t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains))
    word = "holds" if gains.mean() - half > 0 else "reversed" if gains.mean() + half < 0 else "not decided"
    return f"{gains.mean():+.1f} ({gains.mean() - half:+.1f} to {gains.mean() + half:+.1f}): {word}"


def _one_table(title: str, report: Report) -> Iterator[str]:
    cells = {(r["name"], r["probe"], r["labels_per_class"]): r for r in report["rows"] if not r.get("labels")}
    budgets = sorted({r["labels_per_class"] for r in report["rows"] if r["labels_per_class"]})
    others = [m for m in report["rows"][0]["metrics"] if m != report["metric"]]
    yield from (f"### {title[:1].upper()}{title[1:]}: {METRIC_NAMES[report['metric']]}", "")
    yield f"`{report['command']}`, at commit {report['commit'][:12]}."
    yield ""
    heads = ["", "linear or no probe", "kNN", *(f"{b} labels per class" for b in budgets)]
    heads += [m.replace("_", " ") for m in others]
    yield f"| {' | '.join(heads)} | seconds |"
    yield "|---" * (len(heads) + 1) + "|"
    for row in dict.fromkeys(r["name"] for r in report["rows"]):
        scores = [r for r in report["rows"] if r["name"] == row]
        probe = scores[0]["probe"]
        shown = [_cell(cells.get((row, probe, None))), _cell(cells.get((row, "knn", None)))]
        shown += [_cell(cells.get((row, probe, b))) for b in budgets]
        shown += [f"{100 * scores[0]['metrics'][m]:.1f}" for m in others]
        yield f"| {row} | {' | '.join(shown)} | {max(r['seconds'] for r in scores):.0f} |"
    yield ""
    for verdict in report["verdicts"]:
        yield f"- {verdict['text']}"
    if report["advice"]:
        yield f"- Next: {' '.join(report['advice'])}"
    yield ""


def _cell(row: Report | None) -> str:
    if row is None:
        return "-"
    low, high = row["interval"] or (row["mean"], row["mean"])
    return f"{100 * row['mean']:.1f} ± {100 * (row['spread'] or 0):.1f} ({100 * low:.1f} to {100 * high:.1f})"


def covtype(block: str) -> str:
    """Return the page of recipes on CovType: "demo", or "others" for the recipes that are not in the demo."""
    report = result_lines.reports("covtype-recipes")[None, block]
    cells = {(r["name"], r["probe"], r["labels_per_class"]): r for r in report["rows"] if not r.get("labels")}

    def cell(*key: object) -> str:
        row = cells.get(key)
        if row is None:
            return "-"
        return f"{100 * row['mean']:.1f}" + ("" if row["spread"] is None else f" ± {100 * row['spread']:.1f}")

    lines = [
        "# Recipes for tables on CovType, compared with the baselines",
        "",
        f"Generated by `{report['command']}` at commit {report['commit'][:12]}.",
        f"{report['data']}, {report['epochs']} epochs per recipe,",
        "accuracy in %, mean and standard deviation over seeds (few labels: over five draws). Settings, machine and",
        "versions of each run: [covtype-recipes.jsonl](results/covtype-recipes.jsonl). Probes choose regularization",
        "and k on training rows only. The scores are of the",
        "[old yardstick](../docs/evaluation.md#numbers-of-the-old-yardstick).",
        "",
        "| | linear, all labels | kNN | linear, 20 a class | seconds |",
        "|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(r["name"] for r in report["rows"]):
        main = "trees" if name == "trees" else "linear"
        seconds = max(r["seconds"] for r in report["rows"] if r["name"] == name)
        shown = (cell(name, main, None), cell(name, "knn", None), cell(name, main, LABELS_PER_CLASS), f"{seconds:.0f}")
        lines.append(f"| {name} | {' | '.join(shown)} |")
    lines.append("")
    for name, gain in report["imix_gain"].items():
        points = [100 * g for g in gain]
        each = f", seed by seed {', '.join(f'{p:+.1f}' for p in points)}" if len(points) > 1 else ""
        lines.append(f"i-Mix on {name}, linear probe, all labels: {sum(points) / len(points):+.1f} points{each}.")
    published = [
        "",
        "Published for N-pair (500 epochs, a network 300 times as large, all 565,892 test rows, the rate of",
        "the probe picked on test rows): +3.6 points, from 68.5 to 72.1.",
    ]
    verdicts = report.get("verdicts", [report["verdict"]])  # older reports have one only
    texts = [line for verdict in verdicts for line in ("", verdict["text"])]
    lines += [*(published if "npair" in report["imix_gain"] else []), *texts, ""]
    return "\n".join(lines)
