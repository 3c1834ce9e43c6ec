"""The suites' tables for RESULTS.md, and docs/claims.md: what the papers claim, and what came out here."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from contramix.reproduction.suite import Block, Suite
from contramix.suite_files import SCALES, shipped

SUITES = {name: Suite.load(path) for name, path in shipped().items()}
Report = dict[str, Any]


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
    yield "Each by one command. *Parity* is the paper's own linear evaluation, its settings picked on test rows where"
    yield "the paper does so; *fair* is logistic or ridge regression whose strength is chosen on training rows. Mean"
    yield "± standard deviation over seeds. Claims, verdicts and the protocols' flaws:"
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
    yield f"{report['training_rows']:,} training records, {_tested(report)}, {report['seeds']} seeds."
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


def claims(results: Path) -> str:
    """The ledger, as a page."""
    lines = [
        "# What the papers claim, and what came out here",
        "",
        "Made by `python bench/write_results.py` from the suites in `src/contramix/suites` and the reports in",
        "`bench/results/suites`. A claim is that one row is above another; the gain is in points, ours the mean of the",
        "differences seed by seed with its 95 % t interval. *Parity* is the paper's own linear evaluation, *fair* one",
        "that chooses on training rows only; the verdict is on the fair one: *holds* where its interval is above zero,",
        "*holds in direction* where only the mean is, *does not hold* otherwise. Published numbers are as sure as",
        "stated: printed in a text at hand, seen in a crop of a page, or recalled.",
        "",
    ]
    for name, suite in SUITES.items():
        lines += [f"## {suite.title}", "", f"{suite.source}.", ""]
        lines += ["| claim | published | ours, parity | ours, fair | scale | verdict |", "|---|---|---|---|---|---|"]
        for block in suite.data:
            lines += _claims(block, kept(results, name, block))
        lines.append("")
        for block in suite.data:
            report = kept(results, name, block)
            if report is not None:
                asked = "" if block.asks is None else f"{block.asks} "
                lines.append(f"- {block.called}, {report['scale']}: {asked}{report['said']}. `{_command(report)}`")
        lines += [f"- The protocol: {flaw}" for flaw in suite.flaws]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _claims(block: Block, report: Report | None) -> Iterator[str]:
    published = {row.name: row.published for row in block.rows}
    for claim in block.claims:
        above, below = published.get(claim.above), published.get(claim.below)
        there = "-"
        if above and below:
            sure = "printed" if above.sure == below.sure == "printed" else next(
                p.sure for p in (above, below) if p.sure != "printed"
            )  # fmt: skip
            there = f"{above.percent - below.percent:+.1f}, from {below.percent:g} to {above.percent:g}, {sure}"
        if report is None or not any(_of(report, "rows", claim.above)):
            yield f"| {claim.text} | {there} | - | - | - | not run |"
            continue
        parity, _ = _gain(report, "parity", claim.above, claim.below)
        fair, verdict = _gain(report, "rows", claim.above, claim.below)
        yield f"| {claim.text} | {there} | {parity} | {fair} | {report['scale']} | {verdict} |"


def _gain(report: Report, protocol: str, above: str, below: str) -> tuple[str, str]:
    """Mean and interval of the paired differences, and what they say."""
    rows = [next(_of(report, protocol, name), None) for name in (above, below)]
    if None in rows:
        return "-", "not run"
    gains = 100 * (np.array(rows[0]["each"]) - np.array(rows[1]["each"]))
    levels = f", from {100 * rows[1]['mean']:.1f} to {100 * rows[0]['mean']:.1f}"
    if len(gains) == 1:
        return f"{gains[0]:+.1f}{levels}, one seed", "holds in direction" if gains[0] > 0 else "does not hold"
    half = stats.t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains))
    low, high = gains.mean() - half, gains.mean() + half
    verdict = "holds" if low > 0 else "holds in direction" if gains.mean() > 0 else "does not hold"
    if high < 0:
        verdict += ": the reverse does"
    return f"{gains.mean():+.1f} ({low:+.1f} to {high:+.1f}){levels}", verdict
