"""Write the pages that compare recipes for tables on CovType with the baselines."""

from bench import result_lines
from contramix.reproduction.demo import LABELS_PER_CLASS


def covtype(block: str) -> str:
    """Return the page of a block: "demo", or "others" for the recipes that are not in the demo."""
    report = result_lines.reports("covtype-recipes")[None, block]
    cells = {(r["name"], r["probe"], r["labels_per_class"]): r for r in report["rows"]}

    def cell(*key: object) -> str:
        row = cells.get(key)
        if row is None:
            return "-"
        return f"{100 * row['mean']:.1f}" + ("" if row["spread"] is None else f" ± {100 * row['spread']:.1f}")

    lines = [
        "# Recipes for tables on CovType, beside the plain baselines",
        "",
        f"Made by `{report['command']}` at commit {report['commit'][:12]}.",
        f"{report['data']}, {report['epochs']} epochs for each recipe,",
        "accuracy in %, mean and standard deviation over seeds (few labels: over five draws). Settings, machine and",
        "versions of each run: [covtype-recipes.jsonl](results/covtype-recipes.jsonl). Probes choose regularization",
        "and k on training rows only.",
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
