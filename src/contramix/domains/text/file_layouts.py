"""Find the files of a text data set, which have one text per file, or one text per line and one file per split."""

import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from contramix.domains.splits import ORDER
from contramix.domains.text.decoding import COMPRESSED
from contramix.errors import InputError
from contramix.io.media.listing import MediaFiles
from contramix.io.media.media_file import MediaFile
from contramix.io.media.path_labels import SPLIT_NAMES

TXT = tuple(f".txt{ending}" for ending in ("", *COMPRESSED))
SPLITS = {**SPLIT_NAMES, "dev": "valid", "development": "valid"}
MAX_SPLIT_FILES = 20
"""Maximum number of files with one text per line. More files, such as ``train_0001.txt``, hold one text each."""
TABLES = (".csv", ".tsv", ".parquet", ".pq", ".arrow", ".arrows", ".feather", ".ipc", ".json", ".jsonl", ".ndjson")
_OTHERS = (*TABLES, ".npy", ".npz", ".md", ".rst", ".html", ".htm", ".xml", ".pdf", ".py", ".ts", ".arff", ".toml",
           ".zip", ".tar", ".tgz", ".tbz2", ".txz")  # fmt: skip
_ABOUT = re.compile(r"(readme|licen[cs]e|copying|notice|changelog|citation)\b.*", re.IGNORECASE)
_MARKS = re.compile(r"[._\- ]+")


class LineFile(NamedTuple):
    """Pair a file that has one text per line with its official split.

    ``split`` is ``"train"``, ``"valid"`` or ``"test"``, or None if the data set is a single file.
    """

    item: MediaFile
    split: str | None


def strip_compression_ending(name: str) -> str:
    """Return a file name in lower case, without the ending ``.gz``, ``.bz2`` or ``.xz``."""
    lower = name.lower()
    return next((lower.removesuffix(ending) for ending in COMPRESSED if lower.endswith(ending)), lower)


def may_be_text(name: str) -> bool:
    """Return whether a file may hold texts, judged by its name.

    Return False for endings of other formats, such as tables (``.csv``), archives (``.zip``), arrays (``.npy``), markup
    (``.html``) and code (``.py``), and for documentation such as a README.
    """
    return not strip_compression_ending(name).endswith(_OTHERS) and not is_documentation(name)


def is_documentation(name: str) -> bool:
    """Return whether a file documents a data set, judged by its name: a README, license, change log or citation."""
    return _ABOUT.fullmatch(os.path.basename(name)) is not None


def line_files(found: MediaFiles) -> list[LineFile] | None:
    """Return the files of a folder that have one text per line, with their splits, the training split first.

    A folder has one text per line if it holds a single file, or one file per split, such as ``stsa.train.gz`` and
    ``stsa.test.gz``. Return None if the file names indicate another layout, such as one text per file.

    Raises
    ------
    InputError
        If the file names indicate several data sets.
    """
    files = [item for item in found.files if may_be_text(item.name)]
    if len(files) == 1:
        return [LineFile(files[0], None)]
    named = [(item, *_split_of(item.name)) for item in files]
    if len(files) > MAX_SPLIT_FILES or any(split is None for _, split, _ in named):
        return None
    sets = sorted({stem for _, _, stem in named})
    if len(sets) > 1:
        first = {stem: next(item.name for item, _, other in named if other == stem) for stem in sets}
        raise InputError(
            f"{found.source}: holds {len(sets)} data sets ({', '.join(first.values())}, ...): name the file to read, "
            "or put each into a folder of its own"
        )
    if len({split for _, split, _ in named}) < len(named) or all(split != "train" for _, split, _ in named):
        return None
    return sorted((LineFile(item, split) for item, split, _ in named), key=lambda lined: ORDER.index(str(lined.split)))


def text_files(found: MediaFiles) -> list[MediaFile]:
    """Return the files whose names end in ``.txt`` (or ``.txt.gz``, ...), except documentation such as a README."""
    return [item for item in found.files if item.name.lower().endswith(TXT) and may_be_text(item.name)]


def _split_of(name: str) -> tuple[str | None, str]:
    """Return the official split that a file name contains, or None, and the name without the split and the ending.

    Examples
    --------
    >>> _split_of("sst/stsa.binary.dev.gz"), _split_of("train.txt"), _split_of("a/b.txt")
    (('valid', 'sst/stsa.binary'), ('train', ''), (None, 'a/b'))
    """
    folder, _, last = name.rpartition("/")
    words = _MARKS.split(strip_compression_ending(last).removesuffix(".txt"))
    parts: Sequence[str] = [word for word in words if word in SPLITS]
    stem = "/".join(filter(None, [folder, ".".join(word for word in words if word not in SPLITS)]))
    return (SPLITS[parts[0]] if len(parts) == 1 else None), stem
