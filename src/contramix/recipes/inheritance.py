"""Read recipe files. A recipe may extend another one, and then states only the settings that differ."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contramix.errors import InputError
from contramix.recipes import DEFAULTS, FOLDER, recipe_path

EXTENDS = "extends"


def read_settings(path: Path, domain: str = "table", extended_by: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Read a recipe file and everything that it extends, and return its settings.

    Parameters
    ----------
    path
        The file.
    domain
        Where to look up the name of a recipe that the file extends, if the file does not state a domain itself.
    extended_by
        Files that extend this one, to detect a circle.

    Raises
    ------
    InputError
        If a file cannot be read, is not TOML or is empty, or if recipes extend one another in a circle.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not a TOML recipe: {error}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot read the recipe: {error.strerror}") from error
    return extend(found, str(path), path.parent, domain, (*extended_by, path.resolve()))


def extend(
    found: Mapping[str, Any],
    source: str,
    folder: Path = Path(),
    domain: str = "table",
    extended_by: tuple[Path, ...] = (),
) -> dict[str, Any]:
    """Return the settings of a recipe on top of those of the recipe it extends.

    The value of ``extends`` is the name of a recipe of the same domain, ``"_defaults"`` for the settings that most
    recipes of the domain share, or a path relative to the folder of the file.

    Parameters
    ----------
    found
        Settings as they stand in the file, with or without ``extends``.
    source
        What error messages call the recipe.
    folder
        Where relative paths begin.
    domain, extended_by
        See :func:`read_settings`.

    Raises
    ------
    InputError
        If the recipe is empty, or if what it extends does not exist, is for another domain, or extends it in turn.
    """
    if not found:
        raise InputError(f"{source}: has no settings; 'contramix recipes imix-npair' prints a complete recipe")
    own = {name: value for name, value in found.items() if name != EXTENDS}
    if EXTENDS not in found:
        return own
    parent = found[EXTENDS]
    if not isinstance(parent, str):
        raise InputError(f"{source}: {EXTENDS}: give the name or the path of a recipe (it is {parent!r})")
    domain = str(own.get("domain", domain))
    try:
        path = _parent_path(parent, folder, domain)
    except InputError as error:
        raise InputError(f"{source}: {EXTENDS}: {error}") from error
    if path.resolve() in extended_by:
        raise InputError(f"{source}: {EXTENDS}: {parent!r} extends this recipe in turn")
    inherited = read_settings(path, domain, extended_by)
    inherited.pop("name", None)
    theirs = inherited.get("domain", "table")
    if "domain" in own and own["domain"] != theirs:
        raise InputError(f"{source}: {EXTENDS}: {parent!r} is for domain {theirs!r}, and this one for {domain!r}")
    return merge(inherited, own)


def _parent_path(parent: str, folder: Path, domain: str) -> Path:
    if parent == DEFAULTS and (FOLDER / domain).is_dir():
        return FOLDER / domain / f"{DEFAULTS}.toml"
    return recipe_path(folder / parent if parent.endswith(".toml") else parent, domain)


def merge(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with changes applied, section by section.

    A section of another ``kind`` replaces the section. ``imix = "none"`` removes i-Mix.

    Examples
    --------
    >>> merge({"noise": {"kind": "drop", "rate": 0.2}}, {"noise": {"columns": "all"}})
    {'noise': {'kind': 'drop', 'rate': 0.2, 'columns': 'all'}}
    >>> merge({"noise": {"kind": "drop", "rate": 0.2}}, {"noise": {"kind": "gaussian"}})
    {'noise': {'kind': 'gaussian'}}
    """
    merged = dict(settings)
    for name, value in changes.items():
        before = merged.get(name)
        if isinstance(before, str):  # a kind without settings
            before = {"kind": before}
        if name == "imix" and value == "none":
            merged.pop(name, None)
        elif isinstance(before, Mapping) and isinstance(value, Mapping) and _same_kind(before, value):
            merged[name] = merge(before, value)
        else:
            merged[name] = value
    return merged


def _same_kind(before: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    return "kind" not in value or value["kind"] == before.get("kind")


def override(settings: dict[str, Any], name: str, value: Any) -> None:
    """Change one setting in place, by its dotted name.

    A new ``kind`` of a section begins with its own defaults. ``imix = "none"`` removes i-Mix.

    Raises
    ------
    InputError
        If the name leads through something that is not a section.
    """
    *sections, last = name.split(".")
    section = settings
    for part in sections:
        inner = section.get(part)
        if isinstance(inner, str):  # a kind without settings
            inner = {"kind": inner}
        if inner is None:
            inner = {}
        if not isinstance(inner, dict):
            raise InputError(f"{name}: {part!r} is no section of a recipe; nothing in it can be set")
        section[part] = section = dict(inner)
    if last == "kind" and section.get("kind") != value:
        section.clear()
    if isinstance(value, str) and value == "none" and name == "imix":
        section.pop(last, None)
    else:
        section[last] = value
