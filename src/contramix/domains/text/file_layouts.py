"""Where texts stand in files: one in each, or one in each line of a file for each official part."""

import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from contramix.domains.splits import ORDER
from contramix.domains.text.decoding import PACKED
from contramix.errors import InputError
from contramix.io.media.listing import MediaFiles
from contramix.io.media.media_file import MediaFile
from contramix.io.media.path_labels import SPLIT_NAMES

TXT = tuple(f".txt{packed}" for packed in ("", *PACKED))
PARTS = {**SPLIT_NAMES, "dev": "valid", "development": "valid"}
MOST_FILES = 20
"""More files that are named like parts are texts of their own, such as train_0001.txt."""
TABLES = (".csv", ".tsv", ".parquet", ".pq", ".arrow", ".arrows", ".feather", ".ipc", ".json", ".jsonl", ".ndjson")
_OTHERS = (*TABLES, ".npy", ".npz", ".md", ".rst", ".html", ".htm", ".xml", ".pdf", ".py", ".ts", ".arff", ".toml",
           ".zip", ".tar", ".tgz", ".tbz2", ".txz")  # fmt: skip
_ABOUT = re.compile(r"(readme|licen[cs]e|copying|notice|changelog|citation)\b.*", re.IGNORECASE)
_MARKS = re.compile(r"[._\- ]+")


class Lined(NamedTuple):
    """A file whose lines are texts, and the part that its name says."""

    item: MediaFile
    part: str | None


def without_packing(name: str) -> str:
    """A name in small letters without the ending of a packed file."""
    lower = name.lower()
    return next((lower.removesuffix(ending) for ending in PACKED if lower.endswith(ending)), lower)


def may_be_text(name: str) -> bool:
    """Whether a file's name does not say that it is something else than text."""
    return not without_packing(name).endswith(_OTHERS) and not is_about(name)


def is_about(name: str) -> bool:
    """Whether a file, by its name, is a README or a licence."""
    return _ABOUT.fullmatch(os.path.basename(name)) is not None


def line_files(found: MediaFiles) -> list[Lined] | None:
    """Files of lines, where a folder's names say that it holds such: one alone, or one for each official part, as in
    ``stsa.binary.train.gz``, ``stsa.binary.test.gz``. Else None.

    Raises
    ------
    InputError
        Several data sets lie there.
    """
    files = [item for item in found.files if may_be_text(item.name)]
    if len(files) == 1:
        return [Lined(files[0], None)]
    named = [(item, *_part_of(item.name)) for item in files]
    if len(files) > MOST_FILES or any(part is None for _, part, _ in named):
        return None
    sets = sorted({stem for _, _, stem in named})
    if len(sets) > 1:
        first = {stem: next(item.name for item, _, other in named if other == stem) for stem in sets}
        raise InputError(
            f"{found.source}: holds {len(sets)} data sets ({', '.join(first.values())}, ...): name the file to read, "
            "or put each into a folder of its own"
        )
    if len({part for _, part, _ in named}) < len(named) or all(part != "train" for _, part, _ in named):
        return None
    return sorted((Lined(item, part) for item, part, _ in named), key=lambda lined: ORDER.index(str(lined.part)))


def documents(found: MediaFiles) -> list[MediaFile]:
    """Files that are a text each, as their endings say; a README is none."""
    return [item for item in found.files if item.name.lower().endswith(TXT) and may_be_text(item.name)]


def _part_of(name: str) -> tuple[str | None, str]:
    """The part that a file's name says, and the name without it.

    Examples
    --------
    >>> _part_of("sst/stsa.binary.dev.gz"), _part_of("train.txt"), _part_of("a/b.txt")
    (('valid', 'sst/stsa.binary'), ('train', ''), (None, 'a/b'))
    """
    folder, _, last = name.rpartition("/")
    words = _MARKS.split(without_packing(last).removesuffix(".txt"))
    parts: Sequence[str] = [word for word in words if word in PARTS]
    stem = "/".join(filter(None, [folder, ".".join(word for word in words if word not in PARTS)]))
    return (PARTS[parts[0]] if len(parts) == 1 else None), stem
