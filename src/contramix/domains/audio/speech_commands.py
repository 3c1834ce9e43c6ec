"""Infer labels, splits and speakers of audio files from official layouts: names of files, and lists."""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha1
from io import StringIO

from contramix.errors import InputError, printable
from contramix.io.media.listing import MediaFiles
from contramix.io.media.media_file import MediaFile, UnreadableFileError
from contramix.io.media.path_labels import SPLIT_NAMES, infer_splits_and_labels

BACKGROUND = "_background_noise_"
"""Folder of background noise in Speech Commands; its files are not records."""
_SPOKEN_COMMAND = re.compile(r"([0-9a-f]{6,})_nohash_\d+\.\w+")
_SPOKEN_DIGIT = re.compile(r"(\d)_([a-z]+)_(\d+)\.\w+")
_HASHES = 2**27 - 1


@dataclass(frozen=True)
class LabeledFiles:
    """Hold the audio files of a data set, with the label, the official split and the speaker of each.

    Parameters
    ----------
    files
        The audio files that become records.
    labels, splits, speakers
        One entry per file: class name, official split (``train``, ``valid`` or ``test``) and name of the speaker. An
        entry is None if it is unknown for this file. The whole list is None if it is unknown for the data set.
    background
        Files of background noise, which do not become records.
    notes
        One-line messages for the user, such as on files that are missing from the data set's own list of splits.
    """

    files: tuple[MediaFile, ...]
    labels: list[str | None] | None = None
    splits: list[str | None] | None = None
    speakers: list[str] | None = None
    background: tuple[MediaFile, ...] = ()
    notes: tuple[str, ...] = ()


def infer_labels(found: MediaFiles) -> LabeledFiles:
    """Infer labels, official splits and speakers from the names of audio files and from lists that come with the files.

    The first of these rules that applies is used:

    - A file ``split.csv`` with the columns ``path``, ``split`` and optionally ``label`` gives splits and labels.
      Without ``label``, the label is the name of the folder.
    - Files ``validation_list.txt`` and ``testing_list.txt`` give splits. The label is the name of the folder.
    - Names such as ``bed/00176480_nohash_0.wav`` are those of Speech Commands. The label is the name of the folder, and
      the split follows from a published hash of the speaker.
    - Names such as ``7_jackson_32.wav`` are those of Free Spoken Digits: label, speaker and number. The test split has
      the numbers 0 to 4.
    - Folders such as ``train/cat`` give splits and labels.

    Files in the folder ``_background_noise_`` become background noise.

    Raises
    ------
    InputError
        If a list cannot be read.
    """
    noise = tuple(item for item in found.files if BACKGROUND in item.name.split("/"))
    files = tuple(item for item in found.files if BACKGROUND not in item.name.split("/"))
    names = [item.name for item in files]
    rules: tuple[Callable[[MediaFiles, LabeledFiles, list[str]], LabeledFiles | None], ...] = (
        _listed,
        _in_lists,
        _hashed,
        _digits,
    )
    bare = LabeledFiles(files, background=noise)
    for rule in rules:
        if files and (known := rule(found, bare, names)) is not None:
            return known
    splits, labels = infer_splits_and_labels(names)
    return replace(bare, splits=None if splits is None else [*splits], labels=None if labels is None else [*labels])


def split_by_hash(name: str) -> str:
    """Return the split of a Speech Commands file: ``train``, ``valid`` or ``test``, by a published hash of its speaker.

    All recordings of a speaker are in the same split.

    Examples
    --------
    >>> split_by_hash("bed/00176480_nohash_0.wav")
    'train'
    """
    speaker = name.rpartition("/")[2].partition("_nohash_")[0]
    digest = int(sha1(speaker.encode(), usedforsecurity=False).hexdigest(), 16)
    percent = digest % (_HASHES + 1) * (100 / _HASHES)
    return "valid" if percent < 10 else "test" if percent < 20 else "train"


def _listed(found: MediaFiles, labeled: LabeledFiles, names: list[str]) -> LabeledFiles | None:
    place, item = _other(found, "split.csv")
    if item is None:
        return None
    rows = csv.DictReader(StringIO(_text(found, item)))
    if not {"path", "split"} <= set(rows.fieldnames or ()):
        return None
    known = {place + (row["path"] or ""): row for row in rows}
    absent = [name for name in names if name not in known]
    if len(absent) == len(names):
        return replace(labeled, notes=(f"{item.name}: names none of the files, and is ignored",))
    gone = len(known) - (len(names) - len(absent))
    notes = [
        *([f"{item.name}: {gone:,} of its files are missing"] if gone else ()),
        *([f"{len(absent):,} files are not in {item.name}, and have no split"] if absent else ()),
    ]
    cells = [known.get(name, {}) for name in names]
    labels = [cell.get("label") or None for cell in cells] if "label" in (rows.fieldnames or ()) else _folders(names)
    splits = [SPLIT_NAMES.get((cell.get("split") or "").strip().lower()) for cell in cells]
    return replace(labeled, labels=labels, splits=splits, speakers=_speakers(names), notes=tuple(notes))


def _in_lists(found: MediaFiles, labeled: LabeledFiles, names: list[str]) -> LabeledFiles | None:
    listed: dict[str, str] = {}
    for part, name in (("valid", "validation_list.txt"), ("test", "testing_list.txt")):
        place, item = _other(found, name)
        if item is None:
            return None
        listed.update((place + line.strip(), part) for line in _text(found, item).splitlines() if line.strip())
    splits: list[str | None] = [listed.get(name, "train") for name in names]
    return replace(labeled, labels=_folders(names), splits=splits, speakers=_speakers(names))


def _hashed(found: MediaFiles, labeled: LabeledFiles, names: list[str]) -> LabeledFiles | None:
    speakers = _speakers(names)
    if speakers is None:
        return None
    return replace(labeled, labels=_folders(names), splits=[split_by_hash(name) for name in names], speakers=speakers)


def _digits(found: MediaFiles, labeled: LabeledFiles, names: list[str]) -> LabeledFiles | None:
    each = [_SPOKEN_DIGIT.fullmatch(name.rpartition("/")[2]) for name in names]
    matches = [match for match in each if match is not None]
    if len(matches) < len(names):
        return None
    splits: list[str | None] = ["test" if int(match[3]) < 5 else "train" for match in matches]
    return replace(
        labeled, labels=[match[1] for match in matches], splits=splits, speakers=[match[2] for match in matches]
    )


def _folders(names: Sequence[str]) -> list[str | None] | None:
    """Return the name of the folder that directly contains each file, such as the word that is spoken in it.

    Return None in place of the list if all files are in the same folder.
    """
    folders: list[str | None] = [name.rpartition("/")[0].rpartition("/")[2] for name in names]
    return folders if len(set(folders)) > 1 else None


def _speakers(names: Sequence[str]) -> list[str] | None:
    found = [match[1] for name in names if (match := _SPOKEN_COMMAND.fullmatch(name.rpartition("/")[2])) is not None]
    return found if len(found) == len(names) else None


def _other(found: MediaFiles, name: str) -> tuple[str, MediaFile | None]:
    """Find a list by its file name, such as ``split.csv``, among the text files that come with the audio files.

    Returns
    -------
    folder, file
        The folder of the list with a final ``/``, which is prepended to the paths in the list, and the list. If there
        is no such list, ``("", None)``.
    """
    for item in found.sidecars.values():
        folder, slash, last = item.name.rpartition("/")
        if last == name:
            return folder + slash, item
    return "", None


def _text(found: MediaFiles, item: MediaFile) -> str:
    try:
        return item.read().decode("utf-8-sig")
    except (OSError, UnreadableFileError, UnicodeDecodeError) as error:
        raise InputError(f"{found.source}: {item.name}: {printable(str(error), 120)}: give a list in UTF-8") from None


TEN = frozenset({"yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"})
"""Words of the task with 12 classes."""
SILENCE_SHARE = 0.1
"""Number of all-zero clips per clip of the training split, as in i-Mix; the test split has none."""


def ten_words(labeled: LabeledFiles) -> LabeledFiles:
    """Convert labels of Speech Commands to the task with 12 classes, and add clips of silence to the training split.

    The labels ``yes``, ``no``, ``up``, ``down``, ``left``, ``right``, ``on``, ``off``, ``stop`` and ``go`` are kept;
    all others become ``unknown``. One clip with the label ``silence`` is added per ten clips of the training split.

    Raises
    ------
    InputError
        If none of the ten words is a label.
    """
    if labeled.labels is None or not TEN & set(labeled.labels):
        raise InputError("audio.words = 'ten' is for Speech Commands: none of its ten words (yes, no, ...) is a label")
    labels = [label if label is None or label in TEN else "unknown" for label in labeled.labels]
    training = len(labels) if labeled.splits is None else labeled.splits.count("train")
    more = int(training * SILENCE_SHARE)
    silence = tuple(MediaFile(f"silence {number}", _silent) for number in range(more))
    return replace(
        labeled,
        files=labeled.files + silence,
        labels=[*labels, *["silence"] * more],
        splits=None if labeled.splits is None else [*labeled.splits, *["train"] * more],
        speakers=None if labeled.speakers is None else [*labeled.speakers, *[""] * more],
        notes=(*labeled.notes, f"{more:,} clips of silence are added to the training split (audio.words = 'ten')"),
    )


def _silent() -> bytes:
    """Return the bytes of a WAV file with a single zero sample, which decoding pads to the length of a clip."""
    numbers = ((16, 4), (1, 2), (1, 2), (16000, 4), (32000, 4), (2, 2), (16, 2))
    form = b"fmt " + b"".join(value.to_bytes(size, "little") for value, size in numbers)
    body = b"WAVE" + form + b"data" + (2).to_bytes(4, "little") + b"\0\0"
    return b"RIFF" + len(body).to_bytes(4, "little") + body
