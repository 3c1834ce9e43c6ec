"""Replace names of settings in messages with flags of the command line.

Messages of the package name a setting as Python code does, in backticks: "name the right `encoding`", "give
`on_bad_rows='skip'`". The command line shows "--encoding" and "--on-bad-rows skip" instead.
"""

import re
from functools import cache

SETTING = re.compile(r"`([a-z_]+(?:\.[a-z_]+)*)(?:=([^`]*))?`")
"""A setting in backticks, with an optional value: `name` or `name=value`."""


@cache
def flags() -> dict[str, str]:
    """Return the flag of each option of all commands, such as "--encoding", by the name of its setting."""
    from typer.main import get_command

    from contramix.cli.app import app

    commands = getattr(get_command(app), "commands", {}).values()
    options = [option for command in commands for option in command.params if option.opts[0].startswith("--")]
    return {option.name.rstrip("_"): option.opts[0] for option in options}


def with_flags(text: str) -> str:
    """Return a message with flags in place of the settings that it names in backticks.

    Examples
    --------
    >>> with_flags("name the right `encoding`, or give `on_bad_rows='skip'`")
    'name the right --encoding, or give --on-bad-rows skip'
    >>> with_flags("give `header=False`, or choose one with `series.problem=NAME`")
    'give --no-header, or choose one with --set series.problem=NAME'
    """
    return SETTING.sub(_flag, text)


def _flag(found: re.Match[str]) -> str:
    """Return the flag, and its value if there is one, for a match of ``SETTING``, or its text if no flag exists."""
    name, value = found[1], found[2]
    if "." in name:
        return f"--set {name}" if value is None else f"--set {name}={value}"
    flag = flags().get(name)
    if flag is None:
        return found[0]
    if value in (None, "True"):
        return flag
    if value == "False":
        return f"--no-{flag.removeprefix('--')}"
    return f"{flag} {value.strip(chr(39))}"
