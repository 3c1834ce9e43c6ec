"""Check that the folders of the package import one another in one direction only, and stay small."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "contramix"

LAYERS = (
    ("errors",),
    ("settings", "registry"),
    ("types",),
    ("runtime",),
    ("samples",),
    ("io", "mixing"),
    ("encoders",),
    ("noise", "methods"),
    ("training",),
    ("backbones",),
    ("domains",),
    ("recipes",),
    ("recipe",),
    ("models",),
    ("monitoring", "predictors"),
    ("runs", "embedding"),
    ("estimators",),
    ("evaluation",),
    ("tuning", "report", "datasets"),
    ("reproduction",),
    ("cli",),
)
"""From bottom to top: a room imports only from the layers below its own."""
PLACE = {room: number for number, layer in enumerate(LAYERS) for room in layer}

MODULES_IN_ROOT = 8
LONGEST = {"src": 320, "tests": 500, "bench": 500}
"""Maximum number of lines of a Python file, by top-level folder."""


def modules() -> dict[str, Path]:
    """Return the path of each module by its dotted name."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = ("contramix", *path.relative_to(PACKAGE).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports() -> dict[tuple[str, str], list[str]]:
    """Return the imports between rooms (modules or folders of the package root), with the lines that make them."""
    known, found = modules(), defaultdict(list)
    for module, path in known.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                assert node.level == 0, f"{path}: imports are absolute"
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                names = [name if name in known else str(node.module) for name in names]
            else:
                continue
            for name in names:
                here, there = module.split("."), name.split(".")
                if there[0] == "contramix" and len(here) > 1 and len(there) > 1 and here[1] != there[1]:
                    found[here[1], there[1]].append(f"{module} imports {name}")
    return found


def test_every_room_has_a_layer():
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or any(path.rglob("*.py"))}
    assert rooms - {"__init__", "__main__", "__pycache__"} == set(PLACE)


def test_rooms_import_only_from_lower_layers():
    wrong = [line for (a, b), lines in imports().items() if a in PLACE and PLACE[b] >= PLACE[a] for line in lines]
    assert not wrong, "\n".join(wrong)


def test_the_root_holds_few_modules():
    assert len(list(PACKAGE.glob("*.py"))) <= MODULES_IN_ROOT


@pytest.mark.parametrize("folder", LONGEST)
def test_no_file_is_too_long(folder):
    counts = {path: path.read_text(encoding="utf-8").count("\n") for path in (ROOT / folder).rglob("*.py")}
    assert counts
    assert not {str(path): count for path, count in counts.items() if count > LONGEST[folder]}
