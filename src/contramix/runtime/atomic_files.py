"""Write files atomically: a file is complete or does not exist, also after a power failure.

Data are written to a hidden temporary file in the same folder, which is synced to disk and then renamed.
"""

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from contramix.errors import InputError, RunError

TEMPORARY = ".tmp-"
"""Prefix of the names of temporary files."""
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Operating system error numbers for a full disk, an exceeded quota and a file that is too large."""


def write(path: Path, data: bytes | str) -> None:
    """Write a file atomically. An existing file of that name is replaced only when the new one is complete.

    Parameters
    ----------
    path
        File to write.
    data
        Content. Text is encoded as UTF-8.

    Raises
    ------
    RunError
        If the disk is full.
    InputError
        If the folder cannot be written.
    """
    content = data.encode() if isinstance(data, str) else data
    with _replacing(path, TEMPORARY, len(content)) as file:
        file.write(content)


@contextmanager
def writing(path: Path, size: int) -> Iterator[BinaryIO]:
    """Open a file for writing within a ``with`` block. It appears at ``path`` when the block ends without an error.

    Until then the content goes to a temporary file, which is removed if the block raises. If a process was killed while
    it wrote the same path, its temporary file is removed first.

    Parameters
    ----------
    path
        File to write.
    size
        Approximate size in bytes, for the error message if the disk is full.

    Raises
    ------
    RunError
        If the disk is full.
    InputError
        If the folder cannot be written.
    """
    own_prefix = f"{TEMPORARY}{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}-"
    for leftover in path.parent.glob(f"{own_prefix}*"):
        leftover.unlink(missing_ok=True)
    with _replacing(path, own_prefix, size) as file:
        yield file


@contextmanager
def _replacing(path: Path, prefix: str, size: int) -> Iterator[BinaryIO]:
    """Open a temporary file that replaces ``path`` at the end of a ``with`` block.

    ``prefix`` begins the temporary file's name, and ``size`` is its approximate size for error messages.
    """
    try:
        handle, temporary = tempfile.mkstemp(prefix=prefix, dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, size, error) from error


def unwritable(path: Path, size: int, error: OSError) -> Exception:
    """Convert an operating system error in writing a file to an exception with a message for the user.

    Parameters
    ----------
    path
        File that could not be written.
    size
        Number of bytes that it needs, for the message on a full disk.
    error
        Error of the operating system.

    Returns
    -------
    Exception
        RunError if the disk is full, otherwise InputError.
    """
    if error.errno in NO_SPACE:
        return RunError(
            f"no space left for {path} (it needs {size / 1e6:.1f} MB); free some and run the same command again"
        )
    return InputError(f"{path}: cannot be written: {error.strerror or error}")


def create_folder(folder: str | os.PathLike[str]) -> Path:
    """Create a folder if it does not exist, and return its path.

    Raises
    ------
    InputError
        If the folder cannot be created.
    RunError
        If the disk is full.
    """
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, 0, error) from error
    return path


def _sync_folder(folder: Path) -> None:
    """Sync a folder to disk, so that a file that was renamed in it survives a power failure."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files of this module that a killed process left behind in a folder."""
    for leftover in folder.glob(f"{TEMPORARY}*"):
        leftover.unlink(missing_ok=True)
