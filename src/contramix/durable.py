"""Files that are there whole or not at all, also when the power goes: written beside, synced, then renamed."""

import errno
import os
import tempfile
from pathlib import Path

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
    try:
        handle, temporary = tempfile.mkstemp(prefix=TEMPORARY, dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, len(content), error) from error


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
