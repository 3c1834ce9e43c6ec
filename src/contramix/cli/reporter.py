"""Define CommandReporter, which prints notes and progress of commands."""

from contramix.cli.flags import with_flags
from contramix.training.progress import ConsoleReporter


class CommandReporter(ConsoleReporter):
    """Print notes, progress and training steps of a command on standard error.

    Notes name flags of the command line, such as --encoding, instead of Python arguments, such as `encoding`.
    """

    def note(self, text: str) -> None:
        super().note(with_flags(text))
