"""Read JSON Lines files, in which each line is a JSON object. Its values are no objects; lists hold numbers."""

import io
import json
import os

import pyarrow as pa
import pyarrow.json

from contramix.errors import InputError, first_line, printable
from contramix.io.options import ReadOptions
from contramix.io.tables.opening import open_utf8

_BLOCK_BYTES = 1 << 22
_LONGEST_LINE = 1 << 26
_KINDS = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
}


def read_jsonl(path: str | os.PathLike[str], options: ReadOptions) -> pa.Table:
    """Read a JSON Lines file as a table: one row per line, and one column per key in order of appearance.

    Where a line lacks a key, the cell is null. Of the options, only ``encoding`` is used.

    Raises
    ------
    InputError
        If a line is not a JSON object, a key has values of different types, or the file has no rows. The message names
        the line.
    """
    source = printable(path)
    try:
        table = _read_blocks(path, options, _BLOCK_BYTES)
    except pa.ArrowInvalid as error:
        if "straddl" not in str(error):
            raise _first_fault(path, options) or _unread(source, error) from None
        try:
            table = _read_blocks(path, options, _LONGEST_LINE)
        except pa.ArrowInvalid as error:
            raise _first_fault(path, options) or _unread(source, error) from None
    except UnicodeError as error:
        raise _first_fault(path, options) or _unread(source, error) from None
    if table.num_rows == 0 or table.num_columns == 0:
        raise InputError(f"{source}: no rows: write one JSON object with at least one key a line")
    return table


def _read_blocks(path: str | os.PathLike[str], options: ReadOptions, block: int) -> pa.Table:
    with open_utf8(path, options.encoding) as stream:
        table = pyarrow.json.read_json(stream, read_options=pyarrow.json.ReadOptions(block_size=block))
    table.validate(full=True)  # Arrow's reader does not check that strings are UTF-8
    return table


def _first_fault(path: str | os.PathLike[str], options: ReadOptions) -> InputError | None:
    """Find the first line that is not a JSON object, has a key twice, or has a value of another type than lines before.

    Return an error that names the line, or None if no such line exists.
    """
    source = printable(path)
    kinds: dict[str, str] = {}
    try:
        with open_utf8(path, options.encoding) as stream:
            for number, line in enumerate(io.BufferedReader(stream), start=1):
                fault = _fault(line.removeprefix(b"\xef\xbb\xbf"), kinds) if line.strip() else None
                if fault:
                    return InputError(f"{source}, line {number}{fault}")
    except UnicodeError as error:
        return InputError(f"{source}: is not {options.encoding} ({error}): name the right `encoding`")
    return None


def _fault(line: bytes, kinds: dict[str, str]) -> str | None:
    try:
        record = json.loads(line.decode(), object_pairs_hook=_Record)
    except UnicodeDecodeError as error:
        byte = line[error.start]
        return f": byte 0x{byte:02x} is not UTF-8: name the encoding, such as `encoding='cp1252'` (or latin-1)"
    except (ValueError, RecursionError) as error:
        return f": not a JSON object ({printable(str(error), 100)}): write one object a line"
    if not isinstance(record, _Record):
        return f": {_KINDS.get(type(record), 'null')}, not a JSON object: write one object a line"
    for key, value in record.items():
        kind = "an object" if isinstance(value, _Record) else _KINDS.get(type(value))
        if kind is not None and kinds.setdefault(key, kind) != kind:
            return f", column '{printable(key, 60)}': {kind}, {kinds[key]} before it: make it one kind"
    return f": the key '{printable(record.twice, 60)}' is there twice" if record.twice else None


class _Record(dict[str, object]):
    """Represent a JSON object as a dictionary, and detect duplicate keys.

    ``twice`` is the first key that occurs more than once in the text of the object, or None.
    """

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        keys = [key for key, _ in pairs]
        self.twice = next((key for key in keys if len(keys) != len(self) and keys.count(key) > 1), None)


def _unread(source: str, error: Exception) -> InputError:
    message = first_line(error, 200)
    return InputError(f"{source}: cannot be read as JSONL ({message})")
