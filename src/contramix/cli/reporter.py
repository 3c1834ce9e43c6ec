"""Report the progress of commands."""

from contramix.cli.flags import with_flags
from contramix.training.progress import ConsoleReporter


class CommandReporter(ConsoleReporter):
    """Print notes, progress and training steps on standard error, and name settings by their flags."""

    def note(self, text: str) -> None:
        super().note(with_flags(text))
