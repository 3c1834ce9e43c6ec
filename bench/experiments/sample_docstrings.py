"""Print docstrings of the package drawn at random, each with its signature, to be read by somebody who sees no code.

python -m bench.experiments.sample_docstrings SEED [NUMBER]
"""

import ast
import random
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "src" / "contramix"


def documented() -> Iterator[tuple[str, str, str]]:
    """Yield place, signature and docstring of every documented class, function and method."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and (docstring := ast.get_docstring(node)):
                yield f"{module}:{node.lineno}", _signature(node), docstring


def _signature(node: ast.ClassDef | ast.FunctionDef) -> str:
    if isinstance(node, ast.ClassDef):
        fields = [f"    {ast.unparse(part)}" for part in node.body if isinstance(part, ast.AnnAssign)]
        return "\n".join([f"class {node.name}({', '.join(map(ast.unparse, node.bases))})", *fields])
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"def {node.name}({ast.unparse(node.args)}){returns}"


def main(seed: int, number: int = 40) -> None:
    """Print the docstrings drawn with a seed."""
    everything = list(documented())
    for count, (place, signature, docstring) in enumerate(random.Random(seed).sample(everything, number), start=1):
        print(f"--- {count}. {place}\n{signature}\n\n{docstring}\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
