"""Write the pages that are generated from bench/results: bench/RESULTS*.md, bench/speed/RESULTS.md and docs/claims.md.

python -m bench.write_results
"""

from pathlib import Path

from bench.pages.claims import claims
from bench.pages.comparisons import media, real_tables, sequences
from bench.pages.covtype import covtype
from bench.pages.default_recipes import defaults
from bench.pages.graph_tables import graphs
from bench.pages.speed import speed
from bench.pages.suite_tables import tables

HERE = Path(__file__).parent


def main() -> None:
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


def pages() -> dict[Path, str]:
    """Return the text of every generated page by its path."""
    return {
        HERE / "RESULTS.md": results(),
        HERE / "RESULTS-covtype-demo.md": covtype("demo"),
        HERE / "RESULTS-covtype-others.md": covtype("others"),
        HERE / "speed" / "RESULTS.md": speed(),
        HERE.parent / "docs" / "claims.md": claims(),
    }


def results() -> str:
    """Return the page of all tables of scores."""
    lines = [
        "# Results",
        "",
        "Made by `python -m bench.write_results` from the reports in `bench/results`. Numbers are in %. Probes choose",
        "their settings on training rows; test rows choose nothing, but for the column *parity*.",
        "",
        *tables(),
        *real_tables(),
        *media(),
        *sequences(),
        *graphs(),
        *defaults(),
        "## CovType, more recipes",
        "",
        "[The demo's recipes](RESULTS-covtype-demo.md) over three seeds, and",
        "[the other recipes](RESULTS-covtype-others.md), one seed.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
