"""Find the suites that ship with the package. Imports nothing heavy, because the command line lists them."""

import tomllib
from pathlib import Path
from typing import Any, Literal, get_args

from contramix.errors import InputError, nearest

FOLDER = Path(__file__).parent / "suites"
Scale = Literal["smoke", "cpu", "paper"]
SCALES: tuple[Scale, ...] = get_args(Scale)
ALL = "all"
"""The name that stands for all shipped suites."""


def shipped() -> dict[str, Path]:
    """Return the files of the suites that ship with the package, by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}


def summaries() -> dict[str, dict[str, Any]]:
    """Return the title of each shipped suite, and the scales of each of its data sets.

    Returns
    -------
    dict
        By suite: ``title``, and ``data`` (a list of scales by the label of the block).
    """
    read = {name: tomllib.loads(path.read_text(encoding="utf-8")) for name, path in shipped().items()}
    return {
        name: {
            "title": suite["title"],
            "data": {block.get("name", block["data"]): list(block["scales"]) for block in suite["data"]},
        }
        for name, suite in read.items()
    }


def suite_paths(name: str) -> dict[str, Path]:
    """Return the files of the suites that a name stands for, by suite.

    Parameters
    ----------
    name
        A shipped suite, ``all``, or the path of a user's file, which ends in ``.toml``.

    Raises
    ------
    InputError
        If there is no such suite or file; the message names the closest suite.
    """
    known = shipped()
    if name == ALL:
        return known
    if name.endswith(".toml"):
        if not Path(name).is_file():
            raise InputError(f"{name}: there is no such suite file")
        return {Path(name).stem: Path(name)}
    if name not in known:
        raise InputError(f"unknown suite {name!r}; {nearest(name, [*known, ALL])}")
    return {name: known[name]}
