"""Run the examples in docstrings and compare their output."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import contramix

FOLDER = Path(contramix.__file__).parent
MODULES = sorted(
    ".".join(("contramix", *path.relative_to(FOLDER).with_suffix("").parts)).removesuffix(".__init__")
    for path in FOLDER.rglob("*.py")
    if path.stem != "__main__"
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of(name):
    assert doctest.testmod(import_module(name)).failed == 0


def test_public_members_have_examples():
    from contramix import ContrastiveEncoder, Recipe
    from contramix.encoders.encoder import Encoder
    from contramix.methods.losses import info_nce

    assert all(">>>" in thing.__doc__ for thing in (ContrastiveEncoder, Recipe, Encoder, info_nce))
