"""How much memory a process may still take, by the system and by its control groups."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def available() -> int | None:
    """Bytes that can be had without swapping; None where the system does not say.

    Examples
    --------
    >>> (available() or 1) > 0
    True
    """
    found = [room for room in (_of_system(), *_of_groups()) if room is not None]
    return min(found, default=None)


def _of_system(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    try:
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, KeyError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None


def _of_groups(mine: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> Iterator[int]:
    """What the control groups that the process is in leave it, of either version; pages of files can be dropped."""
    try:
        groups = [line.split(":", 2) for line in mine.read_text().splitlines()]
    except OSError:
        return
    for _, kinds, path in groups:
        versions = {"": (root, "max", "current"), "memory": (root / "memory", "limit_in_bytes", "usage_in_bytes")}
        if kinds not in versions:
            continue
        top, limit, usage = versions[kinds]
        place = top / path.lstrip("/")
        # In a container the path may be the host's, and the group's files lie at the top.
        for folder in dict.fromkeys((place, *place.parents)):
            if folder.is_relative_to(top):
                try:
                    most = int((folder / f"memory.{limit}").read_text())
                    taken = int((folder / f"memory.{usage}").read_text())
                    stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                    yield max(0, most - taken + int(stat.get("inactive_file", 0)))
                except (OSError, ValueError):  # "max": no limit
                    continue


M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -3, -1


LARGEST, KEPT = 32 * 2**20, 512 * 2**20
"""Bytes: blocks up to the first come from the heap, of whose free end so much is kept."""


def keep_freed_memory() -> None:
    """Ask glibc to keep freed memory instead of giving it back and having each page made anew a moment later.

    A process's own choice, so the command line makes it, and importing the library does not. Elsewhere than with
    glibc nothing happens.
    """
    with suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, LARGEST)
        library.mallopt(M_TRIM_THRESHOLD, KEPT)
