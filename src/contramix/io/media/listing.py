"""List the image or audio files of a folder or an archive, sorted by name, and the small text files next to them."""

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
"""Extensions of the small text files in which published data sets list their splits and labels."""


class NothingFoundError(InputError):
    """Report that a folder, archive or file contains no file with one of the requested extensions."""


@dataclass(frozen=True)
class MediaFiles:
    """List the image or audio files that were found in a folder, an archive or a table.

    Parameters
    ----------
    source : str
        The path that was searched, safe to print.
    files : tuple of MediaFile
        The media files, sorted by name. Those of a table are in the order of its rows.
    sidecars : dict
        Small text files that were found next to the media files, by name, such as ``split.csv``.
    bad_files : tuple of BadFile
        Folders, broken links and other entries that have the extension of a media file but are not regular files.
    notes : tuple of str
        One-line notes for the user on what was left out.
    """

    source: str
    files: tuple[MediaFile, ...]
    sidecars: dict[str, MediaFile]
    bad_files: tuple[BadFile, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Return the names of the files in order, as paths relative to the folder or archive, such as ``cat/1.png``."""
        return [item.name for item in self.files]


def list_media_files(path: str | os.PathLike[str], endings: Collection[str]) -> MediaFiles:
    """List the files with the given extensions in a folder or an archive, sorted by name.

    Parameters
    ----------
    path : str or path
        A folder (searched with all subfolders), a zip or tar archive (also ``.tar.gz`` and others), a folder that
        contains one such archive, or a single file.
    endings : collection of str
        Lower-case extensions such as ``{".png", ".jpg"}``, which also match names in upper case. An ending that starts
        with ``/``, such as ``/labels.bin``, is a complete file name.

    Returns
    -------
    MediaFiles
        The files, and the small text files found next to them. Hidden files, ``__MACOSX`` and files with other
        extensions are left out.

    Raises
    ------
    InputError
        If the path does not exist, the archive is damaged, or (`NothingFoundError`) no file has a matching ending.

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
    root = os.fsdecode(path)
    source = printable(root)
    try:
        mode = os.stat(root).st_mode
    except (OSError, ValueError) as error:
        raise InputError(f"{source}: {_open_error(error)}") from None
    suffixes = tuple(endings)
    if stat.S_ISDIR(mode):
        found = _list_folder(root, source, suffixes)
        if not found.files and not found.bad_files:
            return _list_only_archive(root, source, suffixes)
    elif not stat.S_ISREG(mode):
        raise InputError(f"{source}: is not a regular file")
    elif is_archive(root):
        found = _list_archive(root, source, suffixes)
    elif has_ending(os.path.basename(root).lower(), suffixes):
        found = MediaFiles(source, (_media_file(root, os.path.basename(root)),), {})
    else:
        raise NothingFoundError(f"{source}: {_expected(suffixes)}")
    if not found.files and not found.bad_files:
        raise NothingFoundError(f"{source}: {_expected(suffixes)}")
    return found


def _list_folder(root: str, source: str, endings: tuple[str, ...]) -> MediaFiles:
    files: list[MediaFile] = []
    sidecars: dict[str, MediaFile] = {}
    bad: list[BadFile] = []
    other_extensions: Counter[str] = Counter()
    for full, name in walk_folder(root):
        lower = name.lower()
        if has_ending(lower, endings):
            reason = _not_a_file(full)
            if reason is None:
                files.append(_media_file(full, name))
            else:
                bad.append(BadFile(printable(name), reason))
        elif lower.endswith(LISTS) and _not_a_file(full) is None:
            sidecars[printable(name)] = _media_file(full, name)
        elif (ending := os.path.splitext(lower)[1]) and os.path.isfile(full):
            other_extensions[printable(ending)] += 1
    notes = (_note_other_extensions(other_extensions),) if other_extensions else ()
    return MediaFiles(
        source, tuple(sorted(files, key=_name_of)), dict(sorted(sidecars.items())), tuple(sorted(bad)), notes
    )


def _note_other_extensions(other_extensions: Counter[str]) -> str:
    kinds = ", ".join(f"{count:,} {ending}" for ending, count in other_extensions.most_common(5))
    return f"files of other kinds are left out: {kinds}{', ...' * (len(other_extensions) > 5)}"


def _list_only_archive(folder: str, source: str, endings: tuple[str, ...]) -> MediaFiles:
    """List the media files in the archive of a folder that contains exactly one archive.

    ``source`` is the name of the folder in error messages.

    Raises
    ------
    NothingFoundError
        If the folder contains no archive, or if the archive contains no file with one of the endings.
    InputError
        If the folder contains several archives.
    """
    names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    archives = [name for name in names if is_archive(name) and os.path.isfile(os.path.join(folder, name))]
    if not archives:
        raise NothingFoundError(f"{source}: {_expected(endings)}")
    if len(archives) > 1:
        shown = ", ".join(printable(name) for name in archives[:5])
        raise InputError(f"{source}: holds {len(archives)} archives ({shown}): name the one to read")
    found = list_media_files(os.path.join(folder, archives[0]), endings)
    ignored = [printable(name) for name in names if name != archives[0]]
    notes = (
        (f"read {printable(archives[0])}; left out in the same folder: {', '.join(ignored[:10])}",) if ignored else ()
    )
    return MediaFiles(found.source, found.files, found.sidecars, found.bad_files, (*found.notes, *notes))


def _list_archive(path: str, source: str, endings: tuple[str, ...]) -> MediaFiles:
    found = sorted(
        list_members(path, lambda name: is_visible(name) and has_ending(name.lower(), (*endings, *LISTS))), key=_name_of
    )
    files = [item for item in found if has_ending(item.name.lower(), endings)]
    others = {item.name: item for item in found if item.name.lower().endswith(LISTS)}
    return MediaFiles(source, tuple(files), others)


def walk_folder(root: str) -> Iterator[tuple[str, str]]:
    """Yield a pair of paths for each file in a folder and its subfolders: full, and relative to ``root`` with slashes.

    Hidden files are left out. Each folder is searched once, even if symbolic links lead to it. A subfolder whose name
    contains a dot, such as ``x.png``, is yielded as well, so that the caller can report it.
    """
    seen: set[tuple[int, int]] = set()
    waiting = deque([(root, "")])
    while waiting:
        folder, below = waiting.pop()
        try:
            info = os.stat(folder)
            if (info.st_dev, info.st_ino) in seen:
                continue
            seen.add((info.st_dev, info.st_ino))
            with os.scandir(folder) as found:
                entries = sorted((entry for entry in found if is_visible(entry.name)), key=lambda entry: entry.name)
        except OSError as error:
            raise InputError(f"{printable(folder)}: {_open_error(error)}") from None
        for entry in entries:
            name = below + entry.name
            is_folder = _is_folder(entry)
            if is_folder and entry.is_symlink():
                waiting.appendleft((entry.path, name + "/"))
            elif is_folder:
                waiting.append((entry.path, name + "/"))
            if not is_folder or "." in entry.name:  # the caller reports a folder named x.png
                yield entry.path, name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def is_visible(name: str) -> bool:
    """Return whether a path with slashes has no component that is hidden (starts with a dot) or is ``__MACOSX``."""
    return not any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def has_ending(name: str, endings: tuple[str, ...]) -> bool:
    """Return whether a path ends with one of the endings, such as ``.png``.

    An ending that starts with a slash, such as ``/labels.bin``, must be the complete file name.
    """
    return f"/{name}".endswith(endings)


def _media_file(full: str, name: str) -> MediaFile:
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


def _expected(endings: tuple[str, ...]) -> str:
    return f"holds no file that ends in {', '.join(sorted(endings))} (nor one zip or tar archive of such files)"


def _open_error(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file or folder"
    return f"cannot be opened ({printable(str(error), 120)})"
