"""Test that messages of the package name settings, and that the command line shows them as flags."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

import contramix
from contramix.cli.flags import SETTING, flags, with_flags
from contramix.recipe import Recipe

PACKAGE = Path(contramix.__file__).parent
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
TORCHRUN = {"--nproc-per-node"}
"""Flags of another program."""


def messages():
    """Return the string literals outside the command line, without docstrings."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.is_relative_to(PACKAGE / "cli"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in notes:
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node.value


def test_no_message_outside_the_command_line_holds_a_flag():
    assert not [where for where, text in messages() if set(FLAG.findall(text)) - TORCHRUN]


def test_every_setting_that_a_message_names_is_an_option_or_a_setting_of_a_recipe():
    named = {found[0] for where, text in messages() for found in SETTING.findall(text)}
    sections = tomllib.loads(Recipe().to_toml()) | {name: field for name, field in Recipe.model_fields.items()}
    assert len(named) > 15
    for name in named:
        section, dot, _ = name.partition(".")
        assert section in sections if dot else name in flags(), name


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("`out` run: is a file", "--out run: is a file"),
        ("`labels_per_class`: too many", "--labels-per-class: too many"),
        ("give `on_bad_rows='skip'`", "give --on-bad-rows skip"),
        ("give `decimal=','` (or `decimal='.'`)", "give --decimal , (or --decimal .)"),
        ("give `header=True` or `header=False`", "give --header or --no-header"),
        ("choose one with `series.problem=NAME`", "choose one with --set series.problem=NAME"),
        ("`series.time` names another", "--set series.time names another"),
        ("`map`: unknown", "--map: unknown"),
        ("`no_option` and `pip install x` stay", "`no_option` and `pip install x` stay"),
    ],
)
def test_settings_are_shown_as_flags(message, shown):
    assert with_flags(message) == shown


def test_an_error_and_a_warning_of_a_command_show_flags(here, run):
    Path("bad.csv").write_text("a,b\n1,2\n3\n4,5\n")
    run.refused("pretrain", "bad.csv", "--out", "run").says("give --on-bad-rows skip")
    Path("odd.csv").write_text("".join(f"{n}^{n * n % 7}\n" for n in range(30)))
    run.done("pretrain", "odd.csv", "--out", "run", *run.small).says("; --delimiter names another")
