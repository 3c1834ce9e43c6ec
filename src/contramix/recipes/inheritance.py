"""Read recipe files with inheritance: a recipe can extend another one and state only the settings that differ."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contramix.errors import InputError
from contramix.recipes import DEFAULTS, FOLDER, recipe_path

EXTENDS = "extends"


def read_settings(path: Path, domain: str = "table", extended_by: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Read a recipe file and the recipes that it extends, and return all settings as a nested dictionary.

    Parameters
    ----------
    path
        Path of the recipe file.
    domain
        Domain in which the name of an extended recipe is looked up if the file does not state a domain itself.
    extended_by
        Paths of the files that extend this one, directly or through others, to detect circular inheritance.

    Raises
    ------
    InputError
        If a file cannot be read, is not TOML or is empty, or if the inheritance is circular.
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
    """Return all settings of a recipe: those of the recipe that it extends, with its own settings merged into them.

    The value of ``extends`` is the name of a recipe of the same domain, ``"_defaults"`` for the settings that most
    recipes of the domain share, or a path relative to the folder of the file.

    Parameters
    ----------
    found
        Settings as parsed from the recipe's file, with or without the key ``extends``.
    source
        Name or path of the recipe for error messages.
    folder
        Folder to which a path in ``extends`` is relative.
    domain, extended_by
        See :func:`read_settings`.

    Raises
    ------
    InputError
        If the recipe is empty, or if the extended recipe does not exist, is for another domain, or extends this one.
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
    """Merge changed settings into other settings, section by section, and return the result as a new dictionary.

    A changed section with another ``kind`` replaces the former section. ``imix = "none"`` removes i-Mix.

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
    """Change one setting in a nested dictionary of settings in place.

    A new ``kind`` removes the other settings of its section. ``imix = "none"`` removes i-Mix.

    Parameters
    ----------
    settings
        Settings of a recipe, which are changed.
    name
        Dotted name of the setting, such as "noise.rate".
    value
        The new value.

    Raises
    ------
    InputError
        If the name contains a setting where a section is expected, such as "noise.rate.x".
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
