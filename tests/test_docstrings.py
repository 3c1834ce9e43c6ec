"""The examples in docstrings run, and give what they say."""

import doctest
import pkgutil
from importlib import import_module

import pytest

import contramix

MODULES = [m.name for m in pkgutil.walk_packages(contramix.__path__, "contramix.") if not m.name.endswith("__main__")]


@pytest.mark.parametrize("name", ["contramix", *MODULES])
def test_examples_of(name):
    assert doctest.testmod(import_module(name)).failed == 0


def test_public_members_have_examples():
    from contramix import ContrastiveEncoder, Recipe
    from contramix.encoders.encoder import Encoder
    from contramix.losses import info_nce

    assert all(">>>" in thing.__doc__ for thing in (ContrastiveEncoder, Recipe, Encoder, info_nce))
