"""Write the tables of the suites for RESULTS.md: published, by the paper's protocol, and by the fair one."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from bench import result_lines
from bench.result_lines import Report
from contramix.reproduction.catalog import SCALES, shipped
from contramix.reproduction.suite import Block, Suite

SUITES = {name: Suite.load(path) for name, path in shipped().items()}
METRIC_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "auroc": "area under the ROC curve",
    "r2": "R²",
}
"""Names of metrics for a reader."""

reports = cache(result_lines.reports)


def block_reports(suite: str, block: Block) -> list[Report]:
    """Return the reports of a block, that of the largest scale first."""
    found = reports(suite)
    return [found[scale, block.label] for scale in SCALES[::-1] if (scale, block.label) in found]


def tables() -> Iterator[str]:
    """Yield the lines of a table for each block that was run."""
    yield from ("## The papers' tables", "")
    yield "Each table is from one command. *Parity* is the paper's own linear evaluation, as far as the paper"
    yield "states it, with settings picked on test rows where the paper does so. *Fair* is logistic or ridge regression"
    yield "with a regularization chosen on training rows. Mean ± standard deviation over seeds. Claims, verdicts"
    yield "and flaws of the protocols: [docs/claims.md](../docs/claims.md)."
    yield ""
    for name, suite in SUITES.items():
        for block in suite.data:
            for report in block_reports(name, block):
                yield from _table(suite, block, report)


def _table(suite: Suite, block: Block, report: Report) -> Iterator[str]:
    yield from (f"### {suite.title}: {block.label}", "")
    if block.question is not None:
        yield from (block.question, "")
    yield f"`{command(report)}`, kept at commit {report['commit'][:12]}. {circumstances(report)}"
    yield f"{report['seeds']} {'seed' if report['seeds'] == 1 else 'seeds'}; {METRIC_NAMES[report['metric']]}."
    yield ""
    others = [probe for probe in block.probes[1:] if any(r["probe"] == probe for r in report["rows"])]
    heads = ["row", "published", "parity", "fair", *others, "seconds"]
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    published = {row.name: row.published for row in block.rows}
    for row in dict.fromkeys(r["name"] for r in (*report["parity"], *report["rows"])):
        fair = list(rows_of(report, "rows", row))
        parity = list(rows_of(report, "parity", row))
        paper = published.get(row)
        cells = [_published(paper) if paper else "-", cell(parity[0] if parity else None)]
        cells += [cell(fair[0] if fair else None)]
        cells += [cell(next((r for r in fair if r["probe"] == probe), None)) for probe in others]
        seconds = max((r["seconds"] for r in (*fair, *parity)), default=0)
        yield f"| {row} | {' | '.join(cells)} | {seconds:.0f} |"
    yield ""


def command(report: Report) -> str:
    """Return the command with its number of threads, on which the order of sums depends."""
    return f"OMP_NUM_THREADS={report['environment']['threads']} {report['command']}"


def circumstances(report: Report) -> str:
    """Return a sentence about the scale, the numbers of records and the precision."""
    tested = "ten folds" if report["test_rows"] is None else f"{report['test_rows']:,} test records"
    precision = " and ".join(report["precision"])
    records = f"{report['training_rows']:,} training records, {tested}"
    return f"Scale {report['scale']}: {report['said']}. {records}, products in {precision}."


def rows_of(report: Report, protocol: str, name: str) -> Iterator[Report]:
    """Yield the rows of one name, from ``rows`` (fair) or ``parity``."""
    return (row for row in report[protocol] if row["name"] == name)


def cell(row: Report | None) -> str:
    """Return mean ± standard deviation in percent; a dash for a row that is missing."""
    if row is None:
        return "-"
    return f"{100 * row['mean']:.1f}" + ("" if row["spread"] is None else f" ± {100 * row['spread']:.1f}")


def _published(paper: Any) -> str:
    spread = "" if paper.spread is None else f" ± {paper.spread:g}"
    provenance = "" if paper.provenance == "printed" else f" ({paper.provenance})"
    return f"{paper.percent:g}{spread}{provenance}"
