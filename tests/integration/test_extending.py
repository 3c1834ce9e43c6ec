"""Add an operator in one file and one line, and test that recipes, training and tests include it."""

import shutil
import subprocess
import sys
from pathlib import Path

import contramix

OPERATOR = '''
"""The larger of the two."""

import torch

from contramix.mixing.operator import Operator, sources
from contramix.types import Mixture


class Largest(Operator):
    """Elementwise maximum."""

    def __call__(self, x, partner, weight, *, generator, layout=None):
        return Mixture(sources(x, partner).amax(1), partner, weight)
'''

LINE = ('    "linear": Linear,\n', '    "linear": Linear,\n    "largest": Largest,\n')
IMPORT = ("from contramix.mixing.linear import Linear\n", "from contramix.mixing.largest import Largest\n")

USE = """
import numpy as np
from contramix import ContrastiveEncoder, Recipe
from contramix.mixing import OPERATORS
assert "largest" in OPERATORS
recipe = Recipe.load("imix-npair", {"imix.operator": "largest", "noise": {"kind": "mixup", "operators": ["largest"]}})
assert Recipe.from_toml(recipe.to_toml()) == recipe
x = np.random.default_rng(0).normal(size=(32, 4))
print(ContrastiveEncoder(recipe, epochs=1, random_state=0).fit_transform(x).shape)
"""


def test_a_new_operator_is_one_file_and_one_line(tmp_path):
    package = tmp_path / "contramix"
    shutil.copytree(Path(contramix.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "mixing" / "largest.py").write_text(OPERATOR)
    registry = package / "mixing" / "__init__.py"
    text = registry.read_text()
    assert LINE[0] in text
    registry.write_text(text.replace(*LINE).replace(IMPORT[0], IMPORT[1] + IMPORT[0]))
    run = subprocess.run(
        [sys.executable, "-c", USE], capture_output=True, text=True, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}
    )
    assert run.stdout.strip() == "(32, 512)", run.stderr


def test_a_member_entered_while_running_is_known_to_recipes(monkeypatch):
    from contramix.noise import NOISE
    from contramix.noise.none import NoNoise

    class Mine(NoNoise):
        strength: float = 1.0

    monkeypatch.setitem(NOISE, "mine", Mine)
    recipe = contramix.Recipe.load("npair", {"noise.kind": "mine", "noise.strength": 2.0})
    assert recipe.to_dict()["noise"] == {"kind": "mine", "cut": ("auto",), "strength": 2.0}
