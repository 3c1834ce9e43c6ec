"""Write bench/speed/RESULTS.md from the measurements in bench/results/speed.jsonl."""

from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

from bench import result_lines

Row = dict[str, Any]


def speed() -> str:
    """Return the page of all parts that were measured."""
    intro = "Written by `make bench-speed`. The scripts of this folder state what is measured, and how."
    lines = ["# Speed", "", intro, ""]
    found = result_lines.read("speed")
    facts = {line["block"]: line for line in found if line["line"] == "block"}
    for name, (title, lines_of) in PARTS.items():
        if name in facts:
            rows = [line["measured"] for line in found if line["line"] == "run" and line["block"] == name]
            lines += [f"## {title}", "", *lines_of(rows), "", *_circumstances(name, facts[name]), ""]
    return "\n".join(lines).rstrip() + "\n"


def _circumstances(name: str, facts: Row) -> Iterator[str]:
    rates = " and ".join(f"{rate:g} GFLOP/s in {dtype}" for dtype, rate in facts["gflops"].items())
    yield (
        f"`python -m bench.speed.all --parts {name}`, {facts['date']}, commit {(facts['commit'] or 'unknown')[:7]}, "
        f"{facts['machine']}, torch {facts['torch']}; products of 1024 x 1024 matrices at {rates}; load before: "
        f"{facts['load']}; {facts['seconds']} s."
    )


def _table(head: list[str], rows: list[list[Any]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join("–" if cell is None else str(cell) for cell in row) + " |"


def _steps(rows: list[Row]) -> Iterator[str]:
    yield "Shares of the bare pass (the networks' passes, backward and the optimizer), without and with i-Mix; in"
    yield "brackets the share of the bare pass plus the loss of such vectors alone, where the two differ by 0.01."
    yield "The last column is the median of the row."
    for domain in dict.fromkeys(row["domain"] for row in rows):
        for precision in dict.fromkeys(row["precision"] for row in rows):
            measured = [row for row in rows if (row["domain"], row["precision"]) == (domain, precision)]
            if not measured:
                continue
            noises = list(dict.fromkeys(row["noise"] for row in measured))
            cells: dict[tuple[str, str], list[str]] = {}
            for row in measured:
                cell = _share(row["share"], row["beside_loss"])
                cells.setdefault((row["method"], row["noise"]), []).append(cell)
            bare = {row["method"]: f"{row['bare_ms']:.0f}" for row in measured}
            medians = {
                m: _share(*(median(r[name] for r in measured if r["method"] == m) for name in ("share", "beside_loss")))
                for m in bare
            }
            yield ""
            yield f"**{domain}, {precision}**"
            yield ""
            body = [[m, bare[m], *(", ".join(cells[m, noise]) for noise in noises), medians[m]] for m in bare]
            yield from _table(["method", "bare ms", *noises, "median"], body)


def _share(share: float, beside_loss: float) -> str:
    loss = f" ({beside_loss:.2f})" if share - beside_loss > 0.01 else ""
    return f"{share:.2f}{loss}"


def _peers(rows: list[Row]) -> Iterator[str]:
    yield "Ours and the peers' in float32; *as shipped* is ours in the precision that the default takes here."
    yield ""
    body = []
    for row in rows:
        numbers = [f"{row[name]:.1f}" for name in ("ours_ms", "peer_ms")] + [f"{row['ratio']:.2f}"]
        numbers += [f"{row['shipped_ms']:.1f}", f"{row['shipped_ratio']:.2f}"]
        body.append([row["what"], row["peer"], *numbers, row["note"]])
    head = ["step", "peer", "ours, ms", "peer, ms", "peer / ours", "as shipped, ms", "peer / as shipped", "note"]
    yield from _table(head, body)


def _losses(rows: list[Row]) -> Iterator[str]:
    body = []
    for row in rows:
        dense = f"{row['dense_ms']:.1f}" if row["dense_ms"] else None
        share = f"{row['share']:.2f}" if row["share"] else None
        worked_out = "" if row["dense_mb_is"] == "measured" else " (worked out)"
        apart = f"{row['difference']:.0e}" if row["difference"] is not None else None
        body.append(
            [row["n"], row["entries"], dense, f"{row['ms']:.1f}", share, f"{row['dense_mb']:.0f}{worked_out}",
             f"{row['mb']:.0f}", apart]
        )  # fmt: skip
    head = ["N", "entries", "dense, ms", "ours, ms", "ours / dense", "dense, MB", "ours, MB", "largest difference"]
    yield from _table(head, body)


def _plain(rows: list[Row]) -> Iterator[str]:
    """Tabulate rows as they are, one column for each key."""
    head = list(dict.fromkeys(name for row in rows for name in row))
    yield from _table([name.replace("_", " ") for name in head], [[_short(row.get(n)) for n in head] for row in rows])


def _short(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return f"{value:,.0f}" if isinstance(value, int) or abs(value) >= 1000 else f"{value:.4g}"


PARTS: dict[str, tuple[str, Callable[[list[Row]], Iterator[str]]]] = {
    "steps": ("A training step compared with the bare pass", _steps),
    "profiled": ("Where the time of a step goes: shares of the profiled time", _plain),
    "peers": ("The same step in other libraries", _peers),
    "losses": ("The loss alone, compared with the dense formula", _losses),
    "embedding": ("Embedding files", _plain),
    "reading": ("Reading tables, compared with polars", _plain),
    "startup": ("Start-up", _plain),
    "accuracy": ("Time to an accuracy, CovType", _plain),
    "few_labels": ("Learning from few labels, Adult", _plain),
    "bigger_than_memory": ("Training on a table that does not fit into memory", _plain),
}
