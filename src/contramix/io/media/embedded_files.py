"""Read tables whose cells are encoded images or audio files: Parquet and Arrow files, shards, and data frames."""

import json
import os
import stat
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.parquet import ParquetFile

from contramix.errors import InputError, printable
from contramix.io.media.listing import MediaFiles
from contramix.io.media.media_file import MediaFile, UnreadableFileError, check_size, read_file
from contramix.io.media.path_labels import SPLIT_NAMES
from contramix.io.records import LABEL, SPLIT

ENDINGS = (".parquet", ".pq", ".arrow", ".feather", ".ipc")
_LABELS = ("label", "labels", "class", "fine_label")
_BROKEN = (OSError, EOFError, ValueError, KeyError, MemoryError, pa.ArrowException)


class EmbeddedFiles(NamedTuple):
    """Hold the encoded cells of a column as media files, and the other columns of the table.

    Parameters
    ----------
    files : MediaFiles
        One file per row, named by the path in the cell, or else ``row 17``.
    other_columns : pa.Table
        The other columns. Class numbers are replaced by class names if the file's metadata has them.
    label_column : str or None
        Name of the column of labels.
    """

    files: MediaFiles
    other_columns: pa.Table
    label_column: str | None


def list_table_files(path: str | os.PathLike[str]) -> list[str]:
    """Return the Parquet and Arrow files of a folder and its subfolders, sorted; or the path itself if it is one."""
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
    """Read the column of encoded files of a Parquet or Arrow file, or of a folder of such shards.

    Parameters
    ----------
    path : str or path
        The file or folder. Shards named ``train-...`` and ``test-...`` get a column ``part``.
    names : sequence of str
        Usual names of the column. If none is present, the only column of bytes or of ``{"bytes", "path"}`` is used.

    Returns
    -------
    EmbeddedFiles or None
        None if no column holds bytes, as in an ordinary table.

    Raises
    ------
    InputError
        If a file is damaged, or several columns hold bytes.
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
    """Return the cells of one column as media files, together with the other columns.

    Parameters
    ----------
    table
        The table.
    name
        The column of encoded files.
    source
        Name of the table for error messages.
    base
        Folder to which paths in the cells are relative. Without it, paths are not opened.
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
    """Return whether an Arrow type can hold encoded files: binary, or a struct with ``bytes`` and ``path``."""
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
        message = printable(str(error).partition("\n")[0], 120)
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
    """Replace class numbers by class names if Hugging Face's metadata has them."""
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
