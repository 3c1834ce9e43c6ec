"""Report what a long computation does: notes, progress, and the steps of training."""

from collections.abc import Iterator

from contramix.training.loop import Plan, Step


class Reporter:
    """Receive the messages of a long computation and ignore them.

    Functions that take long accept a reporter and call its methods. Subclasses override the methods whose messages
    they want, for example to print them (:class:`contramix.training.progress.ConsoleReporter`).
    """

    def note(self, text: str) -> None:
        """Receive a message that is worth reading once, such as a column that is left out."""

    def progress(self, text: str) -> None:
        """Receive a description of what is being computed now; may be called often."""

    def steps(self, title: str, plan: Plan, start: int, steps: Iterator[Step]) -> Iterator[Step]:
        """Return training steps unchanged, as they are taken; subclasses show how far training is.

        Parameters
        ----------
        title
            Name of the training, such as the recipe's.
        plan
            Batch size and number of steps of the training.
        start
            Number of steps taken before, by a run that is resumed.
        steps
            Steps that remain. They are computed while they are iterated over.
        """
        return steps


class StepsOnly(Reporter):
    """Show the steps of training by another reporter, under another title, and ignore notes and progress.

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
