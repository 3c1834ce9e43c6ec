"""Write docs/claims.md: what the papers claim, and what came out here."""

from collections import Counter
from collections.abc import Iterator

from bench.pages.suite_tables import SUITES, block_reports, cell, circumstances, command, rows_of
from bench.result_lines import Report
from contramix.reproduction.claims import VERDICTS, Gain, gain
from contramix.reproduction.suite import Block, Claim

HEAD = """\
# What the papers claim, and what came out here

Made by `python -m bench.write_results` from the suites in `src/contramix/reproduction/suites` and the reports in
`bench/results`. Whole tables: [bench/RESULTS.md](../bench/RESULTS.md). Why orders or levels differ from the
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
REFERENCES = ("raw", "untrained", "supervised", "trees", "boosting", "wl")
"""Rows that a gain has to be compared with."""
PROVENANCE = ("printed", "seen in a crop", "recalled")
"""How a published number is known, the most reliable first."""


def claims() -> str:
    """Return the page."""
    lines = [HEAD, *_counts(), ""]
    for name, suite in SUITES.items():
        lines += [f"## {suite.title}", "", f"{suite.source}.", ""]
        lines += ["| claim | published | ours, parity | ours, fair | beside | scale | verdict |", "|---" * 7 + "|"]
        for block in suite.data:
            if block.asks is None:
                lines += _claims(block, block_reports(name, block))
        lines.append("")
        for block in suite.data:
            for report in block_reports(name, block):
                asked = "" if block.asks is None else f"{block.asks} {_answers(block, report)} "
                lines.append(f"- {block.called}: {asked}{circumstances(report)} `{command(report)}`")
        lines += [f"- The protocol: {flaw}" for flaw in suite.flaws]
        lines += [f"- Here: {departure}" for departure in suite.departures]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


COLUMNS = (*VERDICTS, "not run")
"""Columns of the table of counts."""


def _counts() -> Iterator[str]:
    """Count the verdicts of each suite, over the claims with a published number if the suite has such."""
    yield f"| claims of | {' | '.join(COLUMNS)} |"
    yield "|---" * (1 + len(COLUMNS)) + "|"
    for name, suite in SUITES.items():
        parts = [block for block in suite.data if block.asks is None]
        judged = [(block, claim) for block in parts for claim in block.claims]
        printed = [(block, claim) for block, claim in judged if _published_gain(block, claim) != "-"]
        found = Counter(_verdict(block_reports(name, block), claim) for block, claim in printed or judged)
        yield f"| {suite.title} | {' | '.join(str(found[verdict]) for verdict in COLUMNS)} |"


def _verdict(reports: list[Report], claim: Claim) -> str:
    """Return the verdict at the largest scale."""
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
                cells = [there, parity, _gain(fair), _references(report, fair), report["scale"], fair.verdict]
                yield f"| {claim.text} | {' | '.join(cells)} |"
        if not shown:
            yield f"| {claim.text} | {there} | - | - | - | - | not run |"


def _published_gain(block: Block, claim: Claim) -> str:
    published = {row.name: row.published for row in block.rows}
    above, below = published.get(claim.above), published.get(claim.below)
    if above is None or below is None:
        return "-"
    provenance = max((above.sure, below.sure), key=PROVENANCE.index)
    return f"{above.percent - below.percent:+.1f}, from {below.percent:g} to {above.percent:g}, {provenance}"


def _gain(found: Gain | None) -> str:
    if found is None:
        return "-"
    seeds = len(found.above["each"])
    return f"{_by(found)}, from {cell(found.below)} to {cell(found.above)}, n = {seeds}"


def _by(found: Gain) -> str:
    interval = "one seed" if found.interval is None else f"{found.interval[0]:+.1f} to {found.interval[1]:+.1f}"
    return f"{found.mean:+.1f} ({interval})"


def _references(report: Report, found: Gain) -> str:
    """Return the scores of reference rows by the fair probe, in bold those above the row claimed to be better."""
    rows = [next(rows_of(report, "rows", name), None) for name in REFERENCES]
    rows = [row for row in rows if row is not None and row["name"] not in (found.above["name"], found.below["name"])]
    cells = [(f"{row['name']} {cell(row)}", row["mean"] > found.above["mean"]) for row in rows]
    return ", ".join(f"**{text}**" if above else text for text, above in cells) or "-"


def _answers(block: Block, report: Report) -> str:
    """Return the rows of an experiment and the comparisons that answer its question."""
    rows = {row["name"]: row for row in reversed(report["rows"])}  # the first probe counts
    shown = [f"{name} {cell(row)}" for name, row in reversed(rows.items()) if row["kind"] != "baseline"]
    gains = [(claim.text, gain(report["rows"], claim.above, claim.below)) for claim in block.claims]
    judged = [f" {text}: {found.verdict}, {_by(found)}." for text, found in gains if found is not None]
    return f"Fair: {', '.join(shown)}.{''.join(judged)}"
