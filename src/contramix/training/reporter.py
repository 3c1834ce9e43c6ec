"""Report the progress of long computations: notes, status texts, and training steps."""

from collections.abc import Iterator

from contramix.training.loop import Plan, Step


class Reporter:
    """Receive the messages of a long computation, and ignore them.

    Long-running functions accept a reporter and call its methods. Subclasses override methods to show the messages, for
    example on a terminal (:class:`contramix.training.progress.ConsoleReporter`).
    """

    def note(self, text: str) -> None:
        """Receive a message that the user should read, such as that a column is left out."""

    def progress(self, text: str) -> None:
        """Receive a status text on the present work, which replaces the previous one; may be called often."""

    def steps(self, title: str, plan: Plan, start: int, steps: Iterator[Step]) -> Iterator[Step]:
        """Return an iterator over the given training steps; subclasses show the progress while it is consumed.

        Parameters
        ----------
        title
            Name of the training, such as the recipe's.
        plan
            Batch size and number of steps of the training.
        start
            Number of steps taken before, by a run that is resumed.
        steps
            Iterator that takes the remaining steps and yields each one.
        """
        return steps


class StepsOnly(Reporter):
    """Pass training steps on to another reporter under another title, and ignore notes and status texts.

    Parameters
    ----------
    reporter
        Reporter that shows the steps.
    title
        Title to show instead of the training's own.
    """

    def __init__(self, reporter: Reporter, title: str) -> None:
        self.reporter, self.title = reporter, title

    def steps(self, title: str, plan: Plan, start: int, steps: Iterator[Step]) -> Iterator[Step]:
        return self.reporter.steps(self.title, plan, start, steps)


SILENT = Reporter()
"""Reporter that ignores everything; the default where a reporter can be given."""
