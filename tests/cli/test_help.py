"""Test that help texts fit the terminal and wrap as paragraphs."""

import re

import pytest

import contramix.cli  # noqa: F401  (registers the commands)
from contramix.cli.app import app

NAMES = [info.name or str(info.callback.__name__) for info in app.registered_commands]


@pytest.mark.parametrize("command", NAMES)
def test_paragraphs_of_help_are_wrapped_to_the_terminal(run, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    lines = run.done(command, "--help").out.splitlines()
    assert max(map(len, lines)) <= 80
    description = "\n".join(lines).partition("\n╭")[0]
    paragraphs = re.split(r"\n\s*\n", description.strip())[1:]
    for paragraph in paragraphs:
        *full, _ = paragraph.splitlines()
        first_words = [line.split()[0] for line in paragraph.splitlines()[1:]]
        assert all(len(line.rstrip()) + 1 + len(word) > 79 for line, word in zip(full, first_words)), paragraph
