"""Find out how much memory is available, and keep freed memory for reuse."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def available() -> int | None:
    """Return the number of bytes that can be allocated without swapping; None if it is unknown on this system.

    The memory limits of the process's control groups (cgroups), such as those of containers, are respected.

    Examples
    --------
    >>> (available() or 1) > 0
    True
    """
    found = [size for size in (_available_in_system(), *_available_in_groups()) if size is not None]
    return min(found, default=None)


def _available_in_system(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """Return the available memory of the machine in bytes, read from ``meminfo`` or sysconf; None if unknown."""
    try:
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, KeyError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None


def _available_in_groups(own: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> Iterator[int]:
    """Yield the number of bytes that each control group (cgroup version 1 or 2) of the process has left.

    ``own`` lists the control groups of the process, and ``root`` is the folder of all groups. Cached pages of files
    that are not in active use count as available, because the system drops them on demand.
    """
    try:
        groups = [line.split(":", 2) for line in own.read_text().splitlines()]
    except OSError:
        return
    for _, kinds, path in groups:
        versions = {"": (root, "max", "current"), "memory": (root / "memory", "limit_in_bytes", "usage_in_bytes")}
        if kinds not in versions:
            continue
        top, limit, usage = versions[kinds]
        group = top / path.lstrip("/")
        # In a container the path may be the host's; the group's files are then in the top folder.
        for folder in dict.fromkeys((group, *group.parents)):
            if folder.is_relative_to(top):
                try:
                    limit_bytes = int((folder / f"memory.{limit}").read_text())
                    used_bytes = int((folder / f"memory.{usage}").read_text())
                    stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                    yield max(0, limit_bytes - used_bytes + int(stat.get("inactive_file", 0)))
                except (OSError, ValueError):  # "max": no limit
                    continue


M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -3, -1
"""Numbers of two parameters of glibc's function mallopt."""
MMAP_THRESHOLD_BYTES, TRIM_THRESHOLD_BYTES = 32 * 2**20, 512 * 2**20
"""Largest block that is allocated from the heap, and largest free end of the heap that is not returned."""


def keep_freed_memory() -> None:
    """Ask glibc to keep freed memory for reuse, instead of returning pages that are soon allocated again.

    This affects the entire process. Therefore the command line calls this function, and importing the library does not.
    It has no effect without glibc.
    """
    with suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)
        library.mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES)
