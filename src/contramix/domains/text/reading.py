"""Read texts from the lines of a file, from folders and archives of text files, and from a column of a table."""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pyarrow as pa

from contramix.domains.splits import ordered_splits
from contramix.domains.text.column import TEXT, rename_text_column
from contramix.domains.text.decoding import DecodedText, decode_text, decompress, split_lines
from contramix.domains.text.file_layouts import TABLES, TXT, LineFile, line_files, strip_compression_ending, text_files
from contramix.domains.text.labeled_lines import split_labels
from contramix.domains.text.settings import TextSettings
from contramix.domains.text.spec import TextSpec
from contramix.errors import InputError, printable
from contramix.io.media.archives import is_archive
from contramix.io.media.listing import MediaFiles, list_media_files
from contramix.io.media.media_file import MediaFile, UnreadableFileError, read_file
from contramix.io.media.parallel_decoding import Decoded, map_files
from contramix.io.media.path_labels import infer_splits_and_labels
from contramix.io.media.record_table import build_record_table
from contramix.io.options import ReadOptions
from contramix.io.records import LABEL, SPLIT, BadFile, Records
from contramix.io.tables.opening import check_file
from contramix.io.tables.reading import read as read_table

_TEXTS = pa.large_string()


def read(
    path: str | os.PathLike[str], options: ReadOptions, settings: TextSettings, fitted_spec: TextSpec | None = None
) -> Records:
    """Read texts into a table with the column ``text``.

    The columns ``file``, ``label`` and ``part`` (official split) are added if the data provide them.

    Parameters
    ----------
    path
        One of these: a table (CSV, JSONL, Parquet, Arrow) with a column of text; a file with one text per line, each
        optionally after a label; a folder or an archive with one such file per split; or a folder or an archive of
        ``.txt`` files with one text each, where the names of class folders become labels. Text files may be compressed
        with gzip, bzip2 or xz.
    options
        How files are read. ``on_bad_files`` says whether files that are not text are skipped or are an error.
    settings
        ``column`` names the column of a table.
    fitted_spec
        The specification of a trained model. If given and ``column`` is ``"auto"``, the column used in training is
        read if the table has it.

    Raises
    ------
    InputError
        If the path holds no texts, or cannot be read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "films.txt"
    >>> _ = path.write_text("1 a fine film\\n0 dull\\n")
    >>> read(path, ReadOptions(), TextSettings()).table.to_pydict()
    {'text': ['a fine film', 'dull'], 'label': ['1', '0']}
    """
    place, source = os.fsdecode(path), printable(path)
    lower = strip_compression_ending(place)
    if not os.path.isdir(place) and not is_archive(place):
        check_file(path)
        if lower.removesuffix(".zst").endswith(TABLES) or settings.column != "auto":
            reading = read_table(path, options)
            table, notes = rename_text_column(
                reading.table, settings.column, None if fitted_spec is None else fitted_spec.column
            )
            target = LABEL if LABEL in table.column_names else None
            return Records(table, (*reading.notes, *notes), target)
        item = MediaFile(printable(os.path.basename(place)), partial(read_file, place))
        return _from_lines(source, [LineFile(item, None)], options)
    line_based = line_files(list_media_files(path, {""}))
    if line_based is not None:
        return _from_lines(source, line_based, options)
    found = list_media_files(path, TXT)
    return from_files(replace(found, files=tuple(text_files(found))), options)


def _from_lines(source: str, files: Sequence[LineFile], options: ReadOptions) -> Records:
    tables, notes = [], []
    for item, part in files:
        try:
            text, latin = decode_text(decompress(item.read()), options.encoding)
        except (UnreadableFileError, OSError) as error:
            shown = source if len(files) == 1 else f"{source}: {item.name}"
            raise InputError(f"{shown}: {printable(str(error), 200)}") from None
        if latin:
            notes.append(f"{item.name} is not UTF-8 and is read as Latin-1; `encoding` says otherwise")
        texts, labels = split_labels(split_lines(text))
        known = pa.nulls(len(texts), _TEXTS) if labels is None else pa.array(labels, _TEXTS)
        columns = {TEXT: pa.array(texts, _TEXTS), LABEL: known}
        if part is not None:
            columns[SPLIT] = pa.array([part] * len(texts), _TEXTS)
        tables.append(pa.table(columns))
    table = pa.concat_tables(tables)
    if table.num_rows == 0:
        raise InputError(f"{source}: holds no line of text")
    labeled = table.column(LABEL).null_count < table.num_rows
    parts = tuple(str(part) for _, part in files if part is not None)
    return Records(
        table if labeled else table.drop_columns([LABEL]), tuple(notes), LABEL if labeled else None, (), parts
    )


def from_files(found: MediaFiles, options: ReadOptions) -> Records:
    """Read files that hold one text each into a table with the columns ``text`` and ``file``.

    Names of class folders become the column ``label``. Names of split folders, such as ``train``, become the column
    ``part``.

    Raises
    ------
    InputError
        If no file can be read, or if a file cannot be read and ``options.on_bad_files`` is ``"fail"``.
    """
    if not found.files:
        raise InputError(f"{found.source}: holds no file that ends in {', '.join(TXT)}, nor one of lines for each part")
    texts: list[str] = []
    kept: list[int] = []
    bad: list[BadFile] = []
    latin = 0

    def work(data: bytes) -> DecodedText:
        return decode_text(decompress(data), options.encoding)

    for number, result in enumerate(map_files(found.files, work)):
        if isinstance(result, UnreadableFileError):
            bad.append(BadFile(found.files[number].name, printable(str(result), 200)))
            if options.on_bad_files == "fail":
                raise InputError(f"{found.source}: {bad[-1].file}: {bad[-1].reason}; give `on_bad_files='skip'`")
        else:
            texts.append(result.text.strip())
            kept.append(number)
            latin += result.latin
        if options.progress is not None:
            options.progress(number + 1, len(found.files))
    if not kept:
        shown = "; ".join(f"{file}: {reason}" for file, reason in bad[:3])
        raise InputError(f"{found.source}: none of {len(bad):,} files can be read ({shown}{'; ...' * (len(bad) > 3)})")
    parts, labels = infer_splits_and_labels(found.names)
    content = Decoded(pa.array(texts, _TEXTS), kept, tuple(bad))
    table = build_record_table(TEXT, content, found.names, labels=labels, splits=parts)
    notes = (f"{latin:,} files are not UTF-8 and are read as Latin-1; `encoding` says otherwise",) if latin else ()
    there = () if parts is None else ordered_splits(parts)
    return Records(table, notes, None if labels is None else LABEL, tuple(bad), there)
