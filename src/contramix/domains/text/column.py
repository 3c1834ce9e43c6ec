"""Find the column of texts in a table, and rename it to ``text``."""

import pyarrow as pa
import pyarrow.compute as pc

from contramix.domains.content_column import ContentColumn
from contramix.errors import InputError, nearest, printable
from contramix.io.records import is_text
from contramix.io.tables.canonical import describe_type

TEXT = "text"
"""Name of the column of texts, which :func:`rename_text_column` gives to the original column."""
CONTENT = ContentColumn(
    TEXT, records="texts", accepts=is_text, advice="read text files, or name a column with text.column", nullable=True
)
USUAL_NAMES = (TEXT, "sentence", "review", "question", "content", "document", "comment", "message", "tweet", "body",
               "description", "abstract", "title")  # fmt: skip
"""Usual names of a column of texts, in order of preference."""


def rename_text_column(
    table: pa.Table, wanted: str, fitted_column: str | None = None
) -> tuple[pa.Table, tuple[str, ...]]:
    """Rename the column of texts in a table to ``text``. Other columns and the order of columns do not change.

    Parameters
    ----------
    table
        The table.
    wanted
        The column's name, or ``"auto"``: a column with a usual name, such as ``review``, else the column with the
        longest texts on average.
    fitted_column
        Name of the column that a trained model learned from. With ``"auto"``, it is preferred if the table has it.

    Returns
    -------
    table, notes
        The table, and at most one message, which says which column ``"auto"`` chose and why.

    Raises
    ------
    InputError
        If the table has no such column, if the column does not hold text, or if another column is called ``text``.
    """
    if wanted == "auto" and fitted_column in table.column_names:
        wanted = str(fitted_column)
    notes: tuple[str, ...] = ()
    if wanted == "auto":
        wanted, notes = _find_column(table)
    elif wanted not in table.column_names:
        raise InputError(f"text.column: there is no column {wanted!r}; {nearest(wanted, table.column_names)}")
    column_type = table.schema.field(wanted).type
    if not is_text(column_type):
        raise InputError(f"text.column: column {wanted!r} is {describe_type(column_type)}, not text; name another")
    if wanted != TEXT and TEXT in table.column_names:
        raise InputError(
            f"text.column: the table has both {wanted!r} and a column {TEXT!r}; rename the latter in the data"
        )
    renamed = table.set_column(table.column_names.index(wanted), TEXT, table.column(wanted))
    return CONTENT.annotate(renamed, {"column": wanted}), notes


def _find_column(table: pa.Table) -> tuple[str, tuple[str, ...]]:
    """Choose a table's column of texts, and return its name and at most one message that explains the choice.

    A column with a usual name, such as ``review``, is chosen first, else the column with the longest texts on average.

    Raises
    ------
    InputError
        If no column holds text.
    """
    texts = [name for name in table.column_names if is_text(table.schema.field(name).type)]
    if not texts:
        raise InputError(f"there is no column of text; known: {', '.join(map(repr, table.column_names[:30]))}")
    by_lower_name = {name.lower(): name for name in reversed(texts)}
    named = next((by_lower_name[name] for name in USUAL_NAMES if name in by_lower_name), None)
    if named is not None:
        return named, () if named == TEXT else (_note(named, "by its name"),)
    mean = {name: pc.mean(pc.utf8_length(table.column(name))).as_py() or 0.0 for name in texts}
    longest = max(texts, key=lambda name: mean[name])
    if len(texts) == 1:
        return longest, ()
    return longest, (_note(longest, f"the longest, {mean[longest]:.0f} characters on average"),)


def _note(name: str, why: str) -> str:
    return f"the texts are column '{printable(name, 60)}' ({why}); text.column names another"
