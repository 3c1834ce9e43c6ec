"""The suites' tables for RESULTS.md, and docs/claims.md: what the papers claim, and what came out here."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contramix.reproduction.claims import VERDICTS, Gain, gain
from contramix.reproduction.suite import Block, Claim, Suite
from contramix.suite_files import SCALES, shipped

SUITES = {name: Suite.load(path) for name, path in shipped().items()}
Report = dict[str, Any]
WORDS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "auroc": "area under the ROC curve",
    "r2": "R²",
}
"""Metrics, as a reader knows them."""


def kept(results: Path, suite: str, block: Block) -> Report | None:
    """The report of the largest scale that was run."""
    for scale in SCALES[::-1]:
        path = results / suite / scale / block.called / "report.json"
        if path.is_file():
            report: Report = json.loads(path.read_text())
            return report
    return None


def tables(results: Path) -> Iterator[str]:
    """A table for each block that was run: published, the paper's protocol, and the fair one."""
    yield from ("## The papers' tables", "")
    yield "Each by one command. *Parity* is the paper's own linear evaluation as far as it is stated, its settings"
    yield "picked on test rows where the paper does so; *fair* is logistic or ridge regression whose strength is chosen"
    yield "on training rows. Mean ± standard deviation over seeds. Claims, verdicts and the protocols' flaws:"
    yield "[docs/claims.md](../docs/claims.md)."
    yield ""
    for name, suite in SUITES.items():
        for block in suite.data:
            report = kept(results, name, block)
            if report is not None:
                yield from _table(suite, block, report)


def _table(suite: Suite, block: Block, report: Report) -> Iterator[str]:
    yield from (f"### {suite.title}: {block.called}", "")
    if block.asks is not None:
        yield from (block.asks, "")
    yield f"`{_command(report)}`, commit {report['commit'][:12]}, scale {report['scale']}: {report['said']}."
    measured = WORDS[report["metric"]]
    yield f"{report['training_rows']:,} training records, {_tested(report)}, {_seeds(report)}; {measured}."
    yield ""
    others = [probe for probe in block.probes[1:] if any(r["probe"] == probe for r in report["rows"])]
    heads = ["row", "published", "parity", "fair", *others, "seconds"]
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    published = {row.name: row.published for row in block.rows}
    for row in dict.fromkeys(r["name"] for r in (*report["parity"], *report["rows"])):
        mine = [r for r in report["rows"] if r["name"] == row]
        paper = published.get(row)
        cells = [_published(paper) if paper else "-", _cell(next(_of(report, "parity", row), None))]
        cells += [_cell(mine[0] if mine else None)]
        cells += [_cell(next((r for r in mine if r["probe"] == probe), None)) for probe in others]
        seconds = max((r["seconds"] for r in (*mine, *_of(report, "parity", row))), default=0)
        yield f"| {row} | {' | '.join(cells)} | {seconds:.0f} |"
    yield ""


def _command(report: Report) -> str:
    """With the number of threads, on which the order of sums depends."""
    return f"OMP_NUM_THREADS={report['environment']['threads']} {report['command']}"


def _tested(report: Report) -> str:
    return "ten folds" if report["test_rows"] is None else f"{report['test_rows']:,} test records"


def _seeds(report: Report) -> str:
    return "one seed" if report["seeds"] == 1 else f"{report['seeds']} seeds"


def _of(report: Report, protocol: str, row: str) -> Iterator[Report]:
    return (r for r in report[protocol] if r["name"] == row)


def _published(paper: Any) -> str:
    spread = "" if paper.spread is None else f" ± {paper.spread:g}"
    sure = "" if paper.sure == "printed" else f" ({paper.sure})"
    return f"{paper.percent:g}{spread}{sure}"


def _cell(row: Report | None) -> str:
    if row is None:
        return "-"
    return f"{100 * row['mean']:.1f}" + ("" if row["spread"] is None else f" ± {100 * row['spread']:.1f}")


HEAD = """\
# What the papers claim, and what came out here

Made by `python bench/write_results.py` from the suites in `src/contramix/suites` and the reports in
`bench/results/suites`. Whole tables: [bench/RESULTS.md](../bench/RESULTS.md). Why orders or levels differ from the
papers: [ADR 33](adr/0033-orders-of-the-papers-tables.md) and, for graphs, [ADR 22](adr/0022-table-4-of-dacl.md).

A claim is that one row is above another. Gains are in points: of published means, and ours by the mean of the
differences seed by seed with its 95 % t interval, which speaks of other seeds on the same data set, not of other data.
*Parity* is the paper's own linear evaluation as far as it is stated, *fair* one that chooses on training rows only.
*Beside* are the scores, fair too, that a gain has to be read beside: what stays below raw features, or below the
untrained network, is no gain for a user.

Verdicts are on the fair gain. *Holds*: its interval is above zero. *Holds in direction*: only its mean is, or there is
one seed. *Does not hold*: its mean is not above zero; *the reverse does* where the whole interval is below zero,
*undecided* where it is not. *Not run*: for want of data or of time. Published numbers are as sure as stated: printed in
a text at hand, seen in a crop of a page, or recalled.
"""
BESIDE = ("raw", "untrained", "supervised", "trees", "boosting", "wl")
"""What a gain has to be read beside."""
ORDER = ("printed", "seen in a crop", "recalled")


def claims(results: Path) -> str:
    """The ledger, as a page."""
    lines = [HEAD, *_counts(results), ""]
    for name, suite in SUITES.items():
        lines += [f"## {suite.title}", "", f"{suite.source}.", ""]
        lines += ["| claim | published | ours, parity | ours, fair | beside | scale | verdict |", "|---" * 7 + "|"]
        for block in suite.data:
            lines += _claims(block, kept(results, name, block))
        lines.append("")
        for block in suite.data:
            report = kept(results, name, block)
            if report is not None:
                asked = "" if block.asks is None else f"{block.asks} {_answers(report)} "
                lines.append(f"- {block.called}, {report['scale']}: {asked}{report['said']}. `{_command(report)}`")
        lines += [f"- The protocol: {flaw}" for flaw in suite.flaws]
        lines += [f"- Here: {departure}" for departure in suite.departures]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


COLUMNS = (*VERDICTS, "not run")


def _counts(results: Path) -> Iterator[str]:
    """How many claims of each suite came out how."""
    yield f"| claims of | {' | '.join(COLUMNS)} |"
    yield "|---" * (1 + len(COLUMNS)) + "|"
    for name, suite in SUITES.items():
        found = Counter(
            _verdict(block, kept(results, name, block), claim) for block in suite.data for claim in block.claims
        )
        yield f"| {suite.title} | {' | '.join(str(found[verdict]) for verdict in COLUMNS)} |"


def _verdict(block: Block, report: Report | None, claim: Claim) -> str:
    found = None if report is None else gain(report["rows"], claim.above, claim.below)
    return "not run" if found is None else found.verdict


def _claims(block: Block, report: Report | None) -> Iterator[str]:
    published = {row.name: row.published for row in block.rows}
    for claim in block.claims:
        above, below = published.get(claim.above), published.get(claim.below)
        there = "-"
        if above and below:
            sure = max((above.sure, below.sure), key=ORDER.index)
            there = f"{above.percent - below.percent:+.1f}, from {below.percent:g} to {above.percent:g}, {sure}"
        fair = None if report is None else gain(report["rows"], claim.above, claim.below)
        if report is None or fair is None:
            yield f"| {claim.text} | {there} | - | - | - | - | not run |"
            continue
        parity = _gain(gain(report["parity"], claim.above, claim.below))
        beside = _beside(report, {claim.above, claim.below})
        yield f"| {claim.text} | {there} | {parity} | {_gain(fair)} | {beside} | {report['scale']} | {fair.verdict} |"


def _gain(found: Gain | None) -> str:
    if found is None:
        return "-"
    seeds = len(found.above["each"])
    sure = "one seed" if found.interval is None else f"{found.interval[0]:+.1f} to {found.interval[1]:+.1f}"
    return f"{found.mean:+.1f} ({sure}), from {_cell(found.below)} to {_cell(found.above)}, n = {seeds}"


def _beside(report: Report, without: set[str]) -> str:
    rows = [next(_of(report, "rows", name), None) for name in BESIDE if name not in without]
    return ", ".join(f"{row['name']} {_cell(row)}" for row in rows if row is not None) or "-"


def _answers(report: Report) -> str:
    """The rows of an experiment."""
    rows = {row["name"]: row for row in reversed(report["rows"])}  # the first probe's stand for the row
    shown = [f"{name} {_cell(row)}" for name, row in reversed(rows.items()) if row["kind"] != "baseline"]
    return f"Fair: {', '.join(shown)}."
