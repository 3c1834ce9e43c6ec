"""Find out how much memory is available, and keep freed memory for reuse."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def available() -> int | None:
    """Return the number of bytes of memory that this process can allocate without swapping; None if it is unknown.

    The memory limits of the process's control groups (cgroups), such as those of containers, are taken into account.

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
    """Yield how many bytes the process may still allocate under each memory limit of its control groups (cgroups).

    Groups of version 1 and 2 are read, including parent groups. ``own`` is the file that lists the control groups of
    the process, and ``root`` is the folder of all groups. File pages that are cached but inactive count as available,
    because the system drops them on demand.
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
    """Tell glibc to keep freed memory for reuse instead of returning it to the operating system.

    This affects the entire process. Therefore only the command line calls this function. It has no effect without
    glibc.
    """
    with suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)
        library.mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES)
