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
    """Return a dictionary from the name of each option of all commands, such as "on_bad_rows", to its flag.

    The flag of "on_bad_rows", for example, is "--on-bad-rows".
    """
    from typer.main import get_command

    from contramix.cli.app import app

    commands = getattr(get_command(app), "commands", {}).values()
    options = [option for command in commands for option in command.params if option.opts[0].startswith("--")]
    return {option.name.rstrip("_"): option.opts[0] for option in options}


def with_flags(text: str) -> str:
    """Replace settings in backticks in a message with the flags of the command line, and return the message.

    Settings without a flag are left as they are.

    Examples
    --------
    >>> with_flags("name the right `encoding`, or give `on_bad_rows='skip'`")
    'name the right --encoding, or give --on-bad-rows skip'
    >>> with_flags("give `header=False`, or choose one with `series.problem=NAME`")
    'give --no-header, or choose one with --set series.problem=NAME'
    """
    return SETTING.sub(_flag, text)


def _flag(found: re.Match[str]) -> str:
    """Return the replacement for one setting in backticks in a message: its flag, and its value if one is given.

    ``found`` is a match of a setting such as "`encoding`" or "`header=False`". If the setting has no flag, the matched
    text is returned.
    """
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
