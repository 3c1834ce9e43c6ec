"""Where recipes lie. Imports nothing heavy: the command line's help lists them."""

from pathlib import Path

from contramix.errors import InputError, nearest

FOLDER = Path(__file__).parent / "recipes"


def shipped(domain: str = "table") -> dict[str, Path]:
    """Recipes that come with the package, by name."""
    return {path.stem: path for path in sorted((FOLDER / domain).glob("*.toml"))}


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
        raise InputError(f"unknown recipe {str(recipe)!r}; {nearest(str(recipe), known)}")
    return known[str(recipe)]
