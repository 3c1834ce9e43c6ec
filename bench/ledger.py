"""The suites' tables for RESULTS.md, and docs/claims.md: what the papers claim, and what came out here."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contramix.reproduction.catalogue import SCALES, shipped
from contramix.reproduction.claims import VERDICTS, Gain, gain
from contramix.reproduction.suite import Block, Claim, Suite

SUITES = {name: Suite.load(path) for name, path in shipped().items()}
Report = dict[str, Any]
WORDS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "auroc": "area under the ROC curve",
    "r2": "R²",
}
"""Metrics, as a reader knows them."""


def kept(results: Path, suite: str, block: Block) -> list[Report]:
    """Of the scales that were run, the largest first."""
    paths = [results / suite / scale / block.called / "report.json" for scale in SCALES[::-1]]
    return [json.loads(path.read_text()) for path in paths if path.is_file()]


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
            for report in kept(results, name, block):
                yield from _table(suite, block, report)


def _table(suite: Suite, block: Block, report: Report) -> Iterator[str]:
    yield from (f"### {suite.title}: {block.called}", "")
    if block.asks is not None:
        yield from (block.asks, "")
    yield f"`{_command(report)}`, kept at commit {report['commit'][:12]}. {_circumstances(report)}"
    yield f"{report['seeds']} {'seed' if report['seeds'] == 1 else 'seeds'}; {WORDS[report['metric']]}."
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


def _circumstances(report: Report) -> str:
    tested = "ten folds" if report["test_rows"] is None else f"{report['test_rows']:,} test records"
    precision = " and ".join(report["precision"])
    records = f"{report['training_rows']:,} training records, {tested}"
    return f"Scale {report['scale']}: {report['said']}. {records}, products in {precision}."


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
papers: [findings 33](findings/0033-rankings-in-the-papers-tables.md) and, for graphs,
[findings 22](findings/0022-dacl-table-4-graphs.md).

A claim is that one row is above another. Gains are in points: of published means, and ours by the mean of the
differences seed by seed with its 95 % t interval, which speaks of other seeds on the same data set, not of other data.
*Parity* is the paper's own linear evaluation as far as it is stated, *fair* one that chooses on training rows only.
*Beside* are the scores, fair too, that a gain has to be read beside, in bold those that are above the better row: what
stays below raw features, or below the untrained network, is no gain for a user.

Verdicts are on the fair gain, at the largest scale that was run. *Holds*: its interval is above zero. *Holds in
direction*: only its mean is, or there is one seed. *Does not hold*: its mean is not above zero; *the reverse does*
where the whole interval is below zero, *undecided* where it is not. *Not run*: for want of data, of a GPU or of time.
Each claim stands by itself: of forty gains that are nothing, one is expected to hold by chance. Published numbers are
as sure as stated: printed in a text at hand, seen in a crop of a page, or recalled. Questions that experiments answer
stand below a table's claims, with the comparisons that answer them. Counted are the claims whose gain was published,
and, of the real tables, for which nothing is, all.

Commands are as they were given, with the number of threads; folders in them hold the files that
[reproducing.md](reproducing.md) names, `speech_commands` three words of Speech Commands.
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
            if block.asks is None:
                lines += _claims(block, kept(results, name, block))
        lines.append("")
        for block in suite.data:
            for report in kept(results, name, block):
                asked = "" if block.asks is None else f"{block.asks} {_answers(block, report)} "
                lines.append(f"- {block.called}: {asked}{_circumstances(report)} `{_command(report)}`")
        lines += [f"- The protocol: {flaw}" for flaw in suite.flaws]
        lines += [f"- Here: {departure}" for departure in suite.departures]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


COLUMNS = (*VERDICTS, "not run")


def _counts(results: Path) -> Iterator[str]:
    """How many claims of each suite came out how: those with a published number, where a suite has such."""
    yield f"| claims of | {' | '.join(COLUMNS)} |"
    yield "|---" * (1 + len(COLUMNS)) + "|"
    for name, suite in SUITES.items():
        parts = [block for block in suite.data if block.asks is None]
        judged = [(block, claim) for block in parts for claim in block.claims]
        printed = [(block, claim) for block, claim in judged if _published_gain(block, claim) != "-"]
        found = Counter(_verdict(kept(results, name, block), claim) for block, claim in printed or judged)
        yield f"| {suite.title} | {' | '.join(str(found[verdict]) for verdict in COLUMNS)} |"


def _verdict(reports: list[Report], claim: Claim) -> str:
    """At the largest scale."""
    found = gain(reports[0]["rows"], claim.above, claim.below) if reports else None
    return "not run" if found is None else found.verdict


def _claims(block: Block, reports: list[Report]) -> Iterator[str]:
    for claim in block.claims:
        there, shown = _published_gain(block, claim), False
        for report in reports:
            fair = gain(report["rows"], claim.above, claim.below)
            if fair is not None:
                shown = True
                parity = _gain(gain(report["parity"], claim.above, claim.below))
                cells = [there, parity, _gain(fair), _beside(report, fair), report["scale"], fair.verdict]
                yield f"| {claim.text} | {' | '.join(cells)} |"
        if not shown:
            yield f"| {claim.text} | {there} | - | - | - | - | not run |"


def _published_gain(block: Block, claim: Claim) -> str:
    published = {row.name: row.published for row in block.rows}
    above, below = published.get(claim.above), published.get(claim.below)
    if above is None or below is None:
        return "-"
    sure = max((above.sure, below.sure), key=ORDER.index)
    return f"{above.percent - below.percent:+.1f}, from {below.percent:g} to {above.percent:g}, {sure}"


def _gain(found: Gain | None) -> str:
    if found is None:
        return "-"
    seeds = len(found.above["each"])
    return f"{_by(found)}, from {_cell(found.below)} to {_cell(found.above)}, n = {seeds}"


def _by(found: Gain) -> str:
    sure = "one seed" if found.interval is None else f"{found.interval[0]:+.1f} to {found.interval[1]:+.1f}"
    return f"{found.mean:+.1f} ({sure})"


def _beside(report: Report, found: Gain) -> str:
    """References by the fair probe; those above the row that is claimed to be good in bold."""
    rows = [next(_of(report, "rows", name), None) for name in BESIDE]
    rows = [row for row in rows if row is not None and row["name"] not in (found.above["name"], found.below["name"])]
    cells = [(f"{row['name']} {_cell(row)}", row["mean"] > found.above["mean"]) for row in rows]
    return ", ".join(f"**{cell}**" if above else cell for cell, above in cells) or "-"


def _answers(block: Block, report: Report) -> str:
    """The rows of an experiment, and the comparisons that answer its question."""
    rows = {row["name"]: row for row in reversed(report["rows"])}  # the first probe's stand for the row
    shown = [f"{name} {_cell(row)}" for name, row in reversed(rows.items()) if row["kind"] != "baseline"]
    gains = [(claim.text, gain(report["rows"], claim.above, claim.below)) for claim in block.claims]
    judged = [f" {text}: {found.verdict}, {_by(found)}." for text, found in gains if found is not None]
    return f"Fair: {', '.join(shown)}.{''.join(judged)}"
