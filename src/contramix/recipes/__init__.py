"""Find the recipes that come with the package. Imports nothing heavy: the command line's help lists them."""

from pathlib import Path

from contramix.errors import InputError, nearest

FOLDER = Path(__file__).parent
DEFAULTS = "_defaults"
"""Name of the file in each domain's folder with the settings that most of its recipes share. It is not a recipe."""


def shipped(domain: str = "table") -> dict[str, Path]:
    """Return the files of the recipes that come with the package for a domain, by recipe name."""
    return {path.stem: path for path in sorted((FOLDER / domain).glob("*.toml")) if path.stem != DEFAULTS}


def domains(only: str | None = None) -> list[str]:
    """Return the domains that have recipes, tables first.

    Parameters
    ----------
    only : str, optional
        Return this domain alone.

    Raises
    ------
    InputError
        If there is no such domain.
    """
    found = (path.name for path in FOLDER.iterdir() if any(path.glob("*.toml")))
    known = sorted(found, key=lambda name: (name != "table", name))
    if only is not None and only not in known:
        raise InputError(f"`domain` {only!r} is not known; {nearest(only, known)}")
    return known if only is None else [only]


def data_formats() -> str:
    """List the files that can be read, by domain, for help texts: the first comment line of each domain's defaults."""
    return "; ".join(summary(FOLDER / domain / f"{DEFAULTS}.toml").removeprefix("Data: ") for domain in domains())


def summary(path: Path) -> str:
    """Return the first comment line of a recipe file, which says what the recipe does."""
    first = path.read_text(encoding="utf-8").split("\n", 1)[0]
    return first.lstrip("# ").rstrip(".")


def recipe_path(recipe: str | Path, domain: str = "table") -> Path:
    """Return the file of a recipe that is given by name or path.

    Raises
    ------
    InputError
        If there is no such recipe; the message suggests the closest name.
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
