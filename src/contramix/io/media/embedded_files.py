"""Read tables with a column of encoded image or audio files (such as PNG bytes), as on the Hugging Face hub."""

import json
import os
import stat
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.parquet import ParquetFile

from contramix.errors import InputError, first_line, printable
from contramix.io.media.listing import MediaFiles
from contramix.io.media.media_file import MediaFile, UnreadableFileError, check_size, read_file
from contramix.io.media.path_labels import SPLIT_NAMES
from contramix.io.records import LABEL, SPLIT

ENDINGS = (".parquet", ".pq", ".arrow", ".feather", ".ipc")
"""Lower-case extensions of table files that may contain encoded files."""
_LABELS = ("label", "labels", "class", "fine_label")
_BROKEN = (OSError, EOFError, ValueError, KeyError, MemoryError, pa.ArrowException)


class EmbeddedFiles(NamedTuple):
    """Store the encoded image or audio files of a table's column, and the other columns of the table.

    Parameters
    ----------
    files : MediaFiles
        One file per row. Its name is the path stored in the cell, or ``row 17`` if paths are missing or not unique.
    other_columns : pa.Table
        The other columns of the table. Class numbers are replaced with class names if the metadata of the table lists
        them.
    label_column : str or None
        Name of the column of labels within ``other_columns``, or None if there is none.
    """

    files: MediaFiles
    other_columns: pa.Table
    label_column: str | None


def list_table_files(path: str | os.PathLike[str]) -> list[str]:
    """Return the paths of the Parquet and Arrow files in a folder and its subfolders, sorted.

    If ``path`` is a Parquet or Arrow file, the list contains only this path. For any other file, it is empty.
    """
    root = os.fsdecode(path)
    if not os.path.isdir(root):
        return [root] if root.lower().endswith(ENDINGS) else []
    found = [
        os.path.join(folder, name)
        for folder, _, names in os.walk(root)
        for name in names
        if name.lower().endswith(ENDINGS) and not name.startswith(".")
    ]
    return sorted(found)


def read_embedded_files(path: str | os.PathLike[str], names: Sequence[str]) -> EmbeddedFiles | None:
    """Read Parquet or Arrow files that have a column of encoded image or audio files.

    Parameters
    ----------
    path : str or path
        A file, or a folder of files with the same columns. If their names start with their official split, as in
        ``train-00000.parquet`` and ``test-00000.parquet``, the result has a column ``part`` with the split of each row.
    names : sequence of str
        Usual names of the column, such as ``image``. If the table has none of them, its only column of bytes or of
        ``{"bytes", "path"}`` structs is used.

    Returns
    -------
    EmbeddedFiles or None
        The files and the other columns, or None if the table has no column of encoded files.

    Raises
    ------
    InputError
        If a file is damaged or has no rows, if the files of a folder have different columns, or if several columns
        contain bytes and none has one of the ``names``.
    """
    files = list_table_files(path)
    source = printable(path)
    tables = [_open(file) for file in files]
    if not tables or (name := _column(tables[0], names, source)) is None:
        return None
    splits = [_split_of(file) for file in files]
    if None not in splits and "train" in splits and not any(SPLIT in table.column_names for table in tables):
        tables = [
            table.append_column(SPLIT, pa.repeat(pa.scalar(split, pa.large_string()), table.num_rows))
            for table, split in zip(tables, splits, strict=True)
        ]
    for file, table in zip(files, tables, strict=True):
        if table.schema.remove_metadata() != tables[0].schema.remove_metadata():
            raise InputError(f"{printable(file)}: has other columns than {printable(files[0])}: name one of them")
    base = os.path.dirname(files[0])
    return extract_embedded_files(pa.concat_tables(tables), name, source, base)


def extract_embedded_files(table: pa.Table, name: str, source: str, base: str | None = None) -> EmbeddedFiles:
    """Split a table into the encoded files of one column and the table of the other columns.

    Parameters
    ----------
    table
        A table with a column of bytes or of ``{"bytes", "path"}`` structs.
    name
        Name of this column.
    source
        Name of the table in error messages.
    base
        Folder from which files are read if a cell has a relative path but no bytes. If None, such a file is listed, but
        reading it raises `UnreadableFileError`.
    """
    paths, items = _media_files(table.column(name), base)
    if any(path is None for path in paths) or len(set(paths)) < len(paths):
        items = [item._replace(name=f"row {number}") for number, item in enumerate(items, start=1)]
    rest = table.drop_columns([name])
    label = next((column for column in _LABELS if column in rest.column_names), None)
    if label is not None:
        rest = _with_class_names(rest, label)
        if label != LABEL and LABEL not in rest.column_names:
            rest = rest.rename_columns([LABEL if column == label else column for column in rest.column_names])
            label = LABEL
    return EmbeddedFiles(MediaFiles(source, tuple(items), {}), rest.replace_schema_metadata(None), label)


def is_embedded_file_type(kind: pa.DataType) -> bool:
    """Return whether columns of a type can contain encoded files: binary, or a struct of ``bytes`` and ``path``."""
    if pa.types.is_struct(kind):
        return {"bytes", "path"} <= {kind.field(i).name for i in range(kind.num_fields)}
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _open(file: str) -> pa.Table:
    try:
        with open(file, "rb") as stream:
            arrow = stream.read(6) == b"ARROW1"
        if arrow:
            with pa.memory_map(file) if file.isascii() else open(file, "rb") as source:
                table = pa.ipc.open_file(source).read_all()
        else:
            with open(file, "rb") as stream, ParquetFile(stream, page_checksum_verification=True) as parquet:
                table = parquet.read()
        table.validate(full=True)
    except _BROKEN as error:
        message = first_line(error, 120)
        raise InputError(f"{printable(file)}: truncated or damaged ({message}): write or copy the file again") from None
    if table.num_rows == 0:
        raise InputError(f"{printable(file)}: no rows")
    return table


def _column(table: pa.Table, names: Sequence[str], source: str) -> str | None:
    found = [field.name for field in table.schema if is_embedded_file_type(field.type)]
    named = [name for name in names if name in found]
    if named or len(found) <= 1:
        return (named or found or [None])[0]
    raise InputError(
        f"{source}: several columns hold bytes ({', '.join(printable(name, 40) for name in found[:5])}): "
        f"call the one to read {names[0]!r}"
    )


def _media_files(column: pa.ChunkedArray, base: str | None) -> tuple[list[str | None], list[MediaFile]]:
    paths: list[str | None] = []
    items: list[MediaFile] = []
    for cell in column:
        value = cell["bytes"] if isinstance(cell, pa.StructScalar) and cell.is_valid else cell
        path = cell["path"].as_py() if value is not cell else None
        paths.append(None if path is None else printable(path))
        if value.is_valid and pa.types.is_struct(value.type) is False:
            items.append(MediaFile(str(paths[-1]), partial(_cell_bytes, value)))
        elif path is not None and base is not None:
            full = os.path.abspath(os.path.join(base, path))
            items.append(MediaFile(printable(path), partial(_read_regular_file, full), full))
        else:
            items.append(MediaFile(str(paths[-1]), _no_bytes))
    return paths, items


def _cell_bytes(value: Any) -> bytes:
    data: bytes = value.as_py()
    check_size(len(data))
    return data


def _read_regular_file(path: str) -> bytes:
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise UnreadableFileError("not a regular file")
    return read_file(path)


def _no_bytes() -> bytes:
    raise UnreadableFileError("no bytes")


def _with_class_names(table: pa.Table, label: str) -> pa.Table:
    """Replace the class numbers in the column ``label`` with class names, if Hugging Face's metadata list them."""
    try:
        features = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
        names = features["info"]["features"][label]["names"]
        numbers = table.column(label).combine_chunks()
        known = pc.if_else(pc.greater_equal(numbers, 0), numbers, None).cast(pa.int32())  # -1 stands for unknown
        texts = pa.DictionaryArray.from_arrays(known, pa.array(names, pa.large_string()))
        values = texts.cast(pa.large_string())
    except (KeyError, TypeError, ValueError, pa.ArrowException):
        return table
    return table.set_column(table.column_names.index(label), label, values)


def _split_of(file: str) -> str | None:
    return SPLIT_NAMES.get(os.path.splitext(os.path.basename(file))[0].partition("-")[0].lower())
