"""Find the suites (TOML files, each of which describes a published table) that ship with the package.

This module imports nothing heavy, because the command line's help lists the suites.
"""

import tomllib
from pathlib import Path
from typing import Any, Literal, get_args

from contramix.errors import InputError, nearest

FOLDER = Path(__file__).parent / "suites"
Scale = Literal["smoke", "cpu", "paper"]
SCALES: tuple[Scale, ...] = get_args(Scale)
ALL = "all"
"""Name that selects all shipped suites."""


def shipped() -> dict[str, Path]:
    """Return a dictionary from the name of each shipped suite, such as "imix-table1", to the path of its TOML file."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}


def summaries() -> dict[str, dict[str, Any]]:
    """Return the title of each shipped suite, and the scales (such as "cpu") at which each of its data sets can run.

    Returns
    -------
    dict
        For each suite's name, a dictionary with ``title`` and ``data``; ``data`` maps the label of a data set to its
        scales, for example ``{"covtype": ["smoke", "cpu", "paper"]}``.
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
    """Return a dictionary from suite name to the path of its TOML file, for the suites that the user selected.

    Parameters
    ----------
    name
        The name of a shipped suite, ``all`` for every shipped suite, or the path of a user's own ``.toml`` file.

    Raises
    ------
    InputError
        If the suite or file does not exist. The message suggests the suite with the closest name.
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
