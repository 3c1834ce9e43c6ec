"""Where recipes lie. Imports nothing heavy: the command line's help lists them."""

from pathlib import Path

from contramix.errors import InputError, nearest

FOLDER = Path(__file__).parent


def shipped(domain: str = "table") -> dict[str, Path]:
    """Recipes that come with the package, by name."""
    return {path.stem: path for path in sorted((FOLDER / domain).glob("*.toml"))}


def domains(only: str | None = None) -> list[str]:
    """Kinds of data for which there are recipes, tables first; or one of them.

    Raises
    ------
    InputError
        If there is no such kind.
    """
    found = (path.name for path in FOLDER.iterdir() if any(path.glob("*.toml")))
    known = sorted(found, key=lambda name: (name != "table", name))
    if only is not None and only not in known:
        raise InputError(f"--domain {only!r} is not known; {nearest(only, known)}")
    return known if only is None else [only]


def summary(path: Path) -> str:
    """What a recipe says it is: its first comment line."""
    first = path.read_text(encoding="utf-8").split("\n", 1)[0]
    return first.lstrip("# ").rstrip(".")


def recipe_path(recipe: str | Path, domain: str = "table") -> Path:
    """The file of a recipe given by name or path.

    Raises
    ------
    InputError
        If there is none; the message names the nearest.
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
