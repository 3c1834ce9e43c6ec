"""The media files of a folder or an archive, in order of their names, and the lists that lie beside them."""

import os
import stat
from collections import Counter, deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial

from contramix.errors import InputError, printable
from contramix.io.media.archives import is_archive, list_members
from contramix.io.media.media_file import MediaFile, read_file
from contramix.io.records import BadFile

LISTS = (".csv", ".tsv", ".txt", ".json")
"""Small text files beside the media, in which official layouts list parts and labels."""


class NothingFoundError(InputError):
    """There is no file of the kinds that were asked for."""


@dataclass(frozen=True)
class MediaFiles:
    """What was found.

    Parameters
    ----------
    source : str
        What was read, safe to print.
    files : tuple of MediaFile
        The media files, sorted by name.
    sidecars : dict
        Lists of text beside them, by name: ``split.csv``, ``testing_list.txt``.
    bad_files : tuple of BadFile
        What has a media file's name and is none: folders, links that lead nowhere.
    notes : tuple of str
        What was left out.
    """

    source: str
    files: tuple[MediaFile, ...]
    sidecars: dict[str, MediaFile]
    bad_files: tuple[BadFile, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The files' names, in order."""
        return [item.name for item in self.files]


def list_media_files(path: str | os.PathLike[str], endings: Collection[str]) -> MediaFiles:
    """The files with such endings in a folder, an archive, or a folder that holds one archive of them; or one file.

    Parameters
    ----------
    path : str or path
        A folder (searched through all its folders), a zip or tar archive (``.tar.gz`` and others too), or one file.
    endings : collection of str
        Lower-case, with the point: ``{".png", ".jpg"}``. Upper-case names are found too. One that begins with ``/``
        is a whole name.

    Returns
    -------
    MediaFiles
        Hidden files, ``__MACOSX`` and files of other kinds are left out.

    Raises
    ------
    InputError
        There is nothing there, the archive is damaged, or (`NothingFoundError`) no file has such an ending.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for name in ("b/2.PNG", "a/1.png", "a/notes.md", "split.csv"):
    ...     (folder / name).parent.mkdir(exist_ok=True)
    ...     _ = (folder / name).write_bytes(b"...")
    >>> found = list_media_files(folder, {".png"})
    >>> found.names, list(found.sidecars)
    (['a/1.png', 'b/2.PNG'], ['split.csv'])
    """
    place = os.fsdecode(path)
    source = printable(place)
    try:
        mode = os.stat(place).st_mode
    except (OSError, ValueError) as error:
        raise InputError(f"{source}: {_cannot(error)}") from None
    ends = tuple(endings)
    if stat.S_ISDIR(mode):
        found = _in_folder(place, source, ends)
        if not found.files and not found.bad_files:
            return _in_the_archive(place, source, ends)
    elif not stat.S_ISREG(mode):
        raise InputError(f"{source}: is not a regular file")
    elif is_archive(place):
        found = _in_archive(place, source, ends)
    elif has_ending(os.path.basename(place).lower(), ends):
        found = MediaFiles(source, (_file(place, os.path.basename(place)),), {})
    else:
        raise NothingFoundError(f"{source}: {_expected(ends)}")
    if not found.files and not found.bad_files:
        raise NothingFoundError(f"{source}: {_expected(ends)}")
    return found


def _in_folder(root: str, source: str, ends: tuple[str, ...]) -> MediaFiles:
    files: list[MediaFile] = []
    sidecars: dict[str, MediaFile] = {}
    bad: list[BadFile] = []
    foreign: Counter[str] = Counter()
    for full, name in walk_folder(root):
        lower = name.lower()
        if has_ending(lower, ends):
            reason = _not_a_file(full)
            if reason is None:
                files.append(_file(full, name))
            else:
                bad.append(BadFile(printable(name), reason))
        elif lower.endswith(LISTS) and _not_a_file(full) is None:
            sidecars[printable(name)] = _file(full, name)
        elif (ending := os.path.splitext(lower)[1]) and os.path.isfile(full):
            foreign[printable(ending)] += 1
    notes = (_of_other_kinds(foreign),) if foreign else ()
    return MediaFiles(
        source, tuple(sorted(files, key=_name_of)), dict(sorted(sidecars.items())), tuple(sorted(bad)), notes
    )


def _of_other_kinds(foreign: Counter[str]) -> str:
    kinds = ", ".join(f"{count:,} {ending}" for ending, count in foreign.most_common(5))
    return f"files of other kinds are left out: {kinds}{', ...' * (len(foreign) > 5)}"


def _in_the_archive(folder: str, source: str, ends: tuple[str, ...]) -> MediaFiles:
    """The one archive in a folder that holds no media itself."""
    names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    archives = [name for name in names if is_archive(name) and os.path.isfile(os.path.join(folder, name))]
    if not archives:
        raise NothingFoundError(f"{source}: {_expected(ends)}")
    if len(archives) > 1:
        shown = ", ".join(printable(name) for name in archives[:5])
        raise InputError(f"{source}: holds {len(archives)} archives ({shown}): name the one to read")
    found = list_media_files(os.path.join(folder, archives[0]), ends)
    left = [printable(name) for name in names if name != archives[0]]
    notes = (f"read {printable(archives[0])}; left out beside it: {', '.join(left[:10])}",) if left else ()
    return MediaFiles(found.source, found.files, found.sidecars, found.bad_files, (*found.notes, *notes))


def _in_archive(path: str, source: str, ends: tuple[str, ...]) -> MediaFiles:
    found = sorted(
        list_members(path, lambda name: is_visible(name) and has_ending(name.lower(), (*ends, *LISTS))), key=_name_of
    )
    files = [item for item in found if has_ending(item.name.lower(), ends)]
    others = {item.name: item for item in found if item.name.lower().endswith(LISTS)}
    return MediaFiles(source, tuple(files), others)


def walk_folder(root: str) -> Iterator[tuple[str, str]]:
    """All that is in a folder, with relative names; each folder is entered once, by a link only if in no other way."""
    seen: set[tuple[int, int]] = set()
    waiting = deque([(root, "")])
    while waiting:
        folder, below = waiting.pop()
        try:
            facts = os.stat(folder)
            if (facts.st_dev, facts.st_ino) in seen:
                continue
            seen.add((facts.st_dev, facts.st_ino))
            with os.scandir(folder) as found:
                entries = sorted((entry for entry in found if is_visible(entry.name)), key=lambda entry: entry.name)
        except OSError as error:
            raise InputError(f"{printable(folder)}: {_cannot(error)}") from None
        for entry in entries:
            name = below + entry.name
            is_folder = _is_folder(entry)
            if is_folder and entry.is_symlink():
                waiting.appendleft((entry.path, name + "/"))
            elif is_folder:
                waiting.append((entry.path, name + "/"))
            if not is_folder or "." in entry.name:  # of a folder called x.png the caller says what is wrong with it
                yield entry.path, name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def is_visible(name: str) -> bool:
    return not any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def has_ending(name: str, ends: tuple[str, ...]) -> bool:
    """Whether a name ends so; an ending that begins with a slash is a whole name."""
    return f"/{name}".endswith(ends)


def _file(full: str, name: str) -> MediaFile:
    where: str | None = os.path.abspath(full)
    try:
        full.encode()
    except UnicodeEncodeError:
        where = None
    return MediaFile(printable(name), partial(read_file, full), where)


def _not_a_file(full: str) -> str | None:
    try:
        mode = os.stat(full).st_mode
    except OSError:
        return "a link that leads nowhere" if os.path.islink(full) else "cannot be opened"
    if stat.S_ISDIR(mode):
        return "a folder, not a file"
    return None if stat.S_ISREG(mode) else "not a regular file"


def _name_of(item: MediaFile) -> str:
    return item.name


def _expected(ends: tuple[str, ...]) -> str:
    return f"holds no file that ends in {', '.join(sorted(ends))} (nor one zip or tar archive of such files)"


def _cannot(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file or folder"
    return f"cannot be opened ({printable(str(error), 120)})"
