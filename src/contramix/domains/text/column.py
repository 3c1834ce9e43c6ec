"""Which column of a table holds the texts."""

import pyarrow as pa
import pyarrow.compute as pc

from contramix.errors import InputError, nearest, printable
from contramix.io.records import is_text
from contramix.io.tables.canonical import describe_type

TEXT = "text"
"""The column of texts, whatever it was called."""
NAMES = (TEXT, "sentence", "review", "question", "content", "document", "comment", "message", "tweet", "body",
         "description", "abstract", "title")  # fmt: skip
"""What a column of texts is most often called."""
COLUMN = b"column"
"""Where the column of texts notes what it was called."""


def with_texts(table: pa.Table, wanted: str, like: str | None = None) -> tuple[pa.Table, tuple[str, ...]]:
    """A table whose column ``text`` is its texts; the others stay, in order.

    Parameters
    ----------
    table
        Of canonical column types.
    wanted
        The column's name, or ``"auto"``.
    like
        The name of a trained model's column, which is taken if it is there and none is wanted.

    Returns
    -------
    table, notes
        What was chosen is said in a note.

    Raises
    ------
    InputError
        There is no such column, or it holds no text.
    """
    if wanted == "auto" and like in table.column_names:
        wanted = str(like)
    notes: tuple[str, ...] = ()
    if wanted == "auto":
        wanted, notes = _chosen(table)
    elif wanted not in table.column_names:
        raise InputError(f"text.column: there is no column {wanted!r}; {nearest(wanted, table.column_names)}")
    kind = table.schema.field(wanted).type
    if not is_text(kind):
        raise InputError(f"text.column: column {wanted!r} is {describe_type(kind)}, not text; name another")
    if wanted != TEXT and TEXT in table.column_names:
        raise InputError(f"text.column: the table has a column {TEXT!r} beside {wanted!r}; rename it in the data")
    field = pa.field(TEXT, kind, metadata={COLUMN: wanted.encode()})
    return table.set_column(table.column_names.index(wanted), field, table.column(wanted)), notes


def _chosen(table: pa.Table) -> tuple[str, tuple[str, ...]]:
    texts = [name for name in table.column_names if is_text(table.schema.field(name).type)]
    if not texts:
        raise InputError(f"there is no column of text; known: {', '.join(map(repr, table.column_names[:30]))}")
    lower = {name.lower(): name for name in reversed(texts)}
    named = next((lower[name] for name in NAMES if name in lower), None)
    if named is not None:
        return named, () if named == TEXT else (_said(named, "by its name"),)
    mean = {name: pc.mean(pc.utf8_length(table.column(name))).as_py() or 0.0 for name in texts}
    longest = max(texts, key=lambda name: mean[name])
    return longest, () if len(texts) == 1 else (_said(longest, f"the longest, {mean[longest]:.0f} letters on average"),)


def _said(name: str, why: str) -> str:
    return f"the texts are column '{printable(name, 60)}' ({why}); text.column names another"
