"""Define CommandReporter, which prints notes and progress of commands."""

from contramix.cli.flags import with_flags
from contramix.training.progress import ConsoleReporter


class CommandReporter(ConsoleReporter):
    """Print notes, progress and training steps, with flags such as --encoding in place of names of settings."""

    def note(self, text: str) -> None:
        super().note(with_flags(text))
