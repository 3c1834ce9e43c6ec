"""Where suites lie. Imports nothing heavy: the command line lists them."""

import tomllib
from pathlib import Path
from typing import Any, Literal, get_args

from contramix.errors import InputError, nearest

FOLDER = Path(__file__).parent / "suites"
Scale = Literal["smoke", "cpu", "paper"]
SCALES: tuple[Scale, ...] = get_args(Scale)
ALL = "all"


def shipped() -> dict[str, Path]:
    """Suites that come with the package, by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}


def summaries() -> dict[str, dict[str, Any]]:
    """Their titles, and which data each has at which scales."""
    read = {name: tomllib.loads(path.read_text(encoding="utf-8")) for name, path in shipped().items()}
    return {
        name: {
            "title": suite["title"],
            "data": {block.get("name", block["data"]): list(block["scales"]) for block in suite["data"]},
        }
        for name, suite in read.items()
    }


def suite_paths(name: str) -> dict[str, Path]:
    """One suite, all of them for ``all``, or a TOML file of the user's, by name.

    Raises
    ------
    InputError
        If there is none; the message names the nearest.
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
