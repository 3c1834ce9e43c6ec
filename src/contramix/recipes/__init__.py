"""Find the recipes (TOML files with the settings of a training run) that ship with the package.

This module imports nothing heavy, because the command line's help lists the recipes.
"""

from pathlib import Path

from contramix.errors import InputError, nearest

FOLDER = Path(__file__).parent
DEFAULTS = "_defaults"
"""Stem of the file with the settings that most recipes of a domain share, in the domain's folder. It is no recipe."""


def shipped(domain: str = "table") -> dict[str, Path]:
    """Return a dictionary from the name of each shipped recipe of a domain, such as "imix-npair", to its TOML file."""
    return {path.stem: path for path in sorted((FOLDER / domain).glob("*.toml")) if path.stem != DEFAULTS}


def domains(only: str | None = None) -> list[str]:
    """Return the names of the domains that have recipes, such as ["table", "audio"], with "table" first.

    Parameters
    ----------
    only : str, optional
        Name of a domain, which is checked; the result is then ``[only]``. Default: return all domains.

    Raises
    ------
    InputError
        If ``only`` is not the name of a domain.
    """
    found = (path.name for path in FOLDER.iterdir() if any(path.glob("*.toml")))
    known = sorted(found, key=lambda name: (name != "table", name))
    if only is not None and only not in known:
        raise InputError(f"`domain` {only!r} is not known; {nearest(only, known)}")
    return known if only is None else [only]


def data_formats() -> str:
    """Return a text for help messages that describes the readable files of each domain, separated by semicolons.

    The description of a domain is the first comment line of the domain's ``_defaults.toml``.
    """
    return "; ".join(summary(FOLDER / domain / f"{DEFAULTS}.toml").removeprefix("Data: ") for domain in domains())


def summary(path: Path) -> str:
    """Return the description of a recipe: the comment in the first line of its file, without "#" and final period."""
    first = path.read_text(encoding="utf-8").split("\n", 1)[0]
    return first.lstrip("# ").rstrip(".")


def recipe_path(recipe: str | Path, domain: str = "table") -> Path:
    """Return the path of the TOML file of a recipe, given its name or a path ending in ``.toml``.

    A name is looked up among the recipes of ``domain``.

    Raises
    ------
    InputError
        If the recipe or file does not exist. The message suggests the closest name, or names the domain that has the
        recipe.
    """
    path = Path(recipe)
    if path.suffix == ".toml":
        if not path.is_file():
            raise InputError(f"{path}: there is no such recipe file")
        return path
    known = shipped(domain)
    if str(recipe) not in known:
        others = [name for name in domains() if name != domain and str(recipe) in shipped(name)]
        if others:
            raise InputError(f"recipe {str(recipe)!r} is for domain {others[0]!r}, and here it is {domain!r}")
        raise InputError(f"unknown recipe {str(recipe)!r}; {nearest(str(recipe), known)}")
    return known[str(recipe)]
