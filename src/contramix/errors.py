"""What can go wrong, sorted by who can mend it. The command line turns each into an exit code."""


class InputError(ValueError):
    """The call, the data or an artefact is wrong (exit 2).

    The message is one line: it names the file, row, column or option, and says what would be right.
    """


class RunError(RuntimeError):
    """The run could not go on: diverged, out of memory, disk full (exit 3). The last good checkpoint stays."""


class ContramixWarning(UserWarning):
    """Something was left out, guessed or repaired, and the user should know."""
