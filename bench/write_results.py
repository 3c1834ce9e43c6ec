"""Write bench/RESULTS.md and docs/claims.md from what lies in bench/results.

python bench/write_results.py
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ledger
import numpy as np
from graph_results import graphs
from scipy import stats

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PROBED = {"trees", "boosting", "supervised"}


def main() -> None:
    for path, text in pages().items():
        path.write_text(text)


def pages() -> dict[Path, str]:
    """The pages as they should be."""
    return {HERE / "RESULTS.md": results(), HERE.parent / "docs" / "claims.md": ledger.claims(RESULTS / "suites")}


def results() -> str:
    """All tables."""
    lines = [
        "# Results",
        "",
        "Made by `python bench/write_results.py` from the reports in `bench/results`. Numbers are in %. Probes choose",
        "their settings on training rows; test rows choose nothing, but for the column *parity*.",
        "",
        *ledger.tables(RESULTS / "suites"),
        *real_tables(),
        *media(),
        *sequences(),
        *graphs(RESULTS / "graphs", RESULTS / "suites"),
        *defaults(),
        "## CovType, more recipes",
        "",
        "[The demo's recipes](results/demo-covtype/RESULTS.md) over three seeds, and",
        "[the other recipes](results/recipes-covtype/RESULTS.md), one seed.",
        "",
    ]
    return "\n".join(lines)


def real_tables() -> Iterator[str]:
    """A table and a verdict for each data set."""
    yield from ("## Real tables: recipes beside the baselines", "")
    yield "Three seeds of each recipe; with few labels five draws. Mean ± standard deviation, and its 95 % interval."
    yield ""
    for path in sorted((RESULTS / "real-tables").glob("*/report.json")):
        yield from _one_table(path.parent.name, json.loads(path.read_text()))


MEDIA = {
    "cifar10": "JPEG CIFAR-10, 10,000 training images",
    "fsdd": "Free Spoken Digit Dataset, 2,700 training clips",
    "speech": "Speech Commands v0.01, three words, 1,350 training clips",
}


def media() -> Iterator[str]:
    """Images and sounds at a budget for two cores."""
    yield from ("## Images and sounds at a budget for two cores", "")
    yield "Three seeds of each recipe, with 20 labels a class five draws; official test parts. The small network"
    yield "(`cnn`, width 16). Seconds are of pre-training and probing, mean over seeds. CIFAR-10 is stored as JPEG,"
    yield "which loses detail."
    yield ""
    for name, title in MEDIA.items():
        path = RESULTS / "media" / name / "report.json"
        if path.exists():
            report = json.loads(path.read_text())
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
    """Texts and time series at the recipes' own length, or a budget."""
    yield from ("## Texts and time series", "")
    yield "`python bench/sequences.py NAME --data-dir DIR`. Official test parts; three seeds of each recipe unless the"
    yield "command says otherwise, with few labels five draws. Nothing was trained on other data than these."
    yield "Seconds were taken beside other load; those of JapaneseVowels' supervised row hold a pause of the machine."
    yield ""
    for name, title in SEQUENCES.items():
        path = RESULTS / "sequences" / name / "report.json"
        if path.exists():
            report = json.loads(path.read_text())
            yield from _one_table(title, report)
            if len(report["rows"][0]["each"]) > 1:  # of one seed there are no differences to judge
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
"""Orders that the papers claim: i-Mix, table 1; DACL, table 2."""


def _claims(report: dict[str, Any]) -> Iterator[str]:
    """Whether the orders that the papers claim are seen, by paired differences over seeds."""
    each = {(r["name"], r["probe"]): r["each"] for r in report["rows"] if not r["labels_per_class"]}
    yield from ("| the papers' order | linear | kNN |", "|---|---|---|")
    for words, above, below in CLAIMS:
        if (above, "linear") in each and (below, "linear") in each:
            cells = [_difference(each[above, probe], each[below, probe]) for probe in ("linear", "knn")]
            yield f"| {words} | {' | '.join(cells)} |"
    yield ""


def _difference(above: list[float], below: list[float]) -> str:
    """Mean and 95 % t interval of the differences, seed by seed, and what they say."""
    gains = 100 * (np.array(above) - np.array(below))
    half = stats.t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains))
    word = "holds" if gains.mean() - half > 0 else "reversed" if gains.mean() + half < 0 else "not decided"
    return f"{gains.mean():+.1f} ({gains.mean() - half:+.1f} to {gains.mean() + half:+.1f}): {word}"


def _one_table(name: str, report: dict[str, Any]) -> Iterator[str]:
    cells = {(r["name"], r["probe"], r["labels_per_class"]): r for r in report["rows"]}
    budgets = sorted({r["labels_per_class"] for r in report["rows"] if r["labels_per_class"]})
    others = [m for m in report["rows"][0]["metrics"] if m != report["metric"]]
    yield from (f"### {name[:1].upper()}{name[1:]}: {ledger.WORDS[report['metric']]}", "")
    yield f"`{report['command']}`, at commit {report['commit'][:12]}."
    yield ""
    heads = ["", "linear or alone", "kNN", *(f"{b} labels a class" for b in budgets)]
    heads += [m.replace("_", " ") for m in others]
    yield f"| {' | '.join(heads)} | seconds |"
    yield "|---" * (len(heads) + 1) + "|"
    for row in dict.fromkeys(r["name"] for r in report["rows"]):
        mine = [r for r in report["rows"] if r["name"] == row]
        probe = mine[0]["probe"]
        shown = [_cell(cells.get((row, probe, None))), _cell(cells.get((row, "knn", None)))]
        shown += [_cell(cells.get((row, probe, b))) for b in budgets]
        shown += [f"{100 * mine[0]['metrics'][m]:.1f}" for m in others]
        yield f"| {row} | {' | '.join(shown)} | {max(r['seconds'] for r in mine):.0f} |"
    yield ""
    for verdict in report["verdicts"]:
        yield f"- {verdict['text']}"
    if report["advice"]:
        yield f"- Next: {' '.join(report['advice'])}"
    yield ""


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return "-"
    low, high = row["interval"] or (row["mean"], row["mean"])
    return f"{100 * row['mean']:.1f} ± {100 * (row['spread'] or 0):.1f} ({100 * low:.1f} to {100 * high:.1f})"


def defaults() -> Iterator[str]:
    """The search for default settings: what was tried, and what was kept."""
    place = RESULTS / "defaults"
    raw = json.loads((place / "raw.json").read_text())
    level = 100 * np.mean([np.mean(s) for table in raw.values() for s in table.values()])
    yield from ("## The default recipes for tables", "")
    yield "Chosen by `bench/choose_defaults.py`: balanced accuracy of a linear probe on rows set aside from each"
    yield "table's training part, mean over Adult, Bank Marketing, credit default and CovType, with 20 and 100 labels"
    yield f"a class, five draws. Raw features reach {level:.1f}."
    yield ""
    for path in sorted(place.glob("*.jsonl")):
        runs = [json.loads(line) for line in path.read_text().splitlines()]
        by_settings: dict[str, list[dict[str, Any]]] = {}
        for run in runs:
            by_settings.setdefault(json.dumps(run["settings"]), []).append(run)
        yield from (f"### {path.stem}", "")
        yield from ("| settings | seeds | score | 20 labels | 100 labels |", "|---" * 5 + "|")
        ranked = sorted(by_settings.items(), key=lambda item: (-_seeds(item[1]), -_score(item[1])))
        for settings, made in ranked:
            told = ", ".join(f"{k} = {v}" for k, v in json.loads(settings).items())
            few, many = (_score(made, labels) for labels in ("20", "100"))
            yield f"| {told} | {_seeds(made)} | {100 * _score(made):.2f} | {100 * few:.2f} | {100 * many:.2f} |"
        yield ""
        (_, first), (_, second), *_ = ranked
        if _seeds(second) > 1:
            pairs = {(r["table"], r["seed"]): _score([r]) for r in second}
            both = [r for r in first if (r["table"], r["seed"]) in pairs]
            gains = [100 * (_score([r]) - pairs[r["table"], r["seed"]]) for r in both]
            above = sum(g > 0 for g in gains)
            yield f"Kept is the first row. Over {_seeds(both)} seeds and four tables it scores"
            yield f"{np.mean(gains):+.2f} points beside the second, the recipe as it was (standard deviation of the"
            yield f"{len(gains)} differences {np.std(gains, ddof=1):.2f}; {above} of them are above zero)."
            yield ""


def _seeds(runs: list[dict[str, Any]]) -> int:
    return len({run["seed"] for run in runs})


def _score(runs: list[dict[str, Any]], labels: str | None = None) -> float:
    return float(np.mean([np.mean(s) for run in runs for key, s in run["scores"].items() if labels in (None, key)]))


if __name__ == "__main__":
    main()
