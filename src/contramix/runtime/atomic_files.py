"""Files that are there whole or not at all, also when the power goes: written beside, synced, then renamed."""

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
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write(path: Path, data: bytes | str) -> None:
    """Write a file durably; an older one of that name stays until the new one is whole.

    Raises
    ------
    RunError
        If there is no space.
    InputError
        If the folder cannot be written.
    """
    content = data.encode() if isinstance(data, str) else data
    with _replacing(path, TEMPORARY, len(content)) as file:
        file.write(content)


@contextmanager
def writing(path: Path, size: int) -> Iterator[BinaryIO]:
    """A file to write bit by bit, which has its name when it is whole, and is gone if it does not become so.

    What a killed writer of the same file left behind is removed first.

    Parameters
    ----------
    path
        The file.
    size
        How many bytes it needs or so, for the message that there is no space.

    Raises
    ------
    RunError, InputError
        As of `write`.
    """
    own = f"{TEMPORARY}{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}-"
    for leftover in path.parent.glob(f"{own}*"):
        leftover.unlink(missing_ok=True)
    with _replacing(path, own, size) as file:
        yield file


@contextmanager
def _replacing(path: Path, prefix: str, size: int) -> Iterator[BinaryIO]:
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
    """What to say of a file that could not be written."""
    if error.errno in NO_SPACE:
        return RunError(
            f"no space left for {path} (it needs {size / 1e6:.1f} MB); free some and run the same command again"
        )
    return InputError(f"{path}: cannot be written: {error.strerror or error}")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed writer left behind."""
    for leftover in folder.glob(f"{TEMPORARY}*"):
        leftover.unlink(missing_ok=True)
