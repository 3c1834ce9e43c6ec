"""Define the command ``contramix verify-theory``."""

from typing import TYPE_CHECKING, Annotated

import typer

from contramix.cli.app import Command, Debug, Json, Output, Quiet, app
from contramix.errors import RunError

if TYPE_CHECKING:
    from rich.table import Table

    from contramix.reproduction.theory import Check


@app.command("verify-theory", cls=Command)
def verify_theory(
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="Number of random data sets and networks for each setting.")
    ] = 3,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Check the three theorems of the DACL paper numerically, with the noise and the losses of this package.

    Takes about ten seconds. The exit code is 0 if every correct statement holds, and every statement that is known to
    be misprinted in the paper does not hold. Otherwise it is 3.
    """
    from contramix.reproduction.theory import verify

    output = Output(json, quiet)
    found = verify(seeds, output.print_status)
    wrong = [check for check in found if not check.ok]
    summary = f"{len(found)} checks, {len(found) - len(wrong)} as they should be."
    output.result({"checks": [check.as_dict() for check in found], "ok": not wrong}, _table(found), summary)
    if wrong:
        first = f"{wrong[0].theorem}, {wrong[0].statement} ({wrong[0].setting})"
        raise RunError(f"{len(wrong)} of {len(found)} checks did not come out as they should; the first: {first}")


def _table(found: "list[Check]") -> "Table":
    """Return a table with a row for each check: the statement, the measured value, its bound, and the result.

    The result says whether the statement holds, and whether it should.
    """
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("theorem", "statement", "checked on"):
        table.add_column(column)
    for column in ("measured", "bound", "result"):
        table.add_column(column, no_wrap=True, justify="right" if column == "measured" else "left")
    for check in found:
        result = "holds" if check.holds else "fails"
        words = f"{result}, as it should" if check.ok else f"{result.upper()}, and should not"
        bound = f"{check.relation} {check.bound:g}"
        table.add_row(check.theorem, check.statement, check.setting, f"{check.measured:.3g}", bound, words)
    return table
