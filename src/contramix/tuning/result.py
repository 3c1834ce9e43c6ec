"""Store and describe the result of a search: trials, best settings, and their comparison on fresh splits."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from contramix.evaluation.verdict import OUTCOME_PHRASES, Outcome
from contramix.recipe import Recipe
from contramix.tuning.scorers import Scorer
from contramix.tuning.trials import Trial


class Confirmation(NamedTuple):
    """Compare the best settings with the unchanged recipe on splits, seeds and labels that the search did not use.

    Parameters
    ----------
    best, default
        Mean score of the best settings, and of the unchanged recipe.
    difference, interval
        Mean of ``best - default`` over the splits, and its 95 % confidence interval.
    splits
        Number of splits.
    """

    best: float
    default: float
    difference: float
    interval: tuple[float, float]
    splits: int

    @property
    def outcome(self) -> Outcome:
        """Return ``"helped"`` or ``"hurt"`` if the interval of the difference excludes 0, else ``"no difference"``."""
        low, high = self.interval
        return "helped" if low > 0 else "hurt" if high < 0 else "no difference"


@dataclass(frozen=True)
class TuningResult:
    """Describe the result of a search over the settings of a recipe.

    Parameters
    ----------
    recipe
        Recipe before tuning.
    scorer
        Object that scored the trials, and formats scores.
    trials
        All trials in the order in which they ran. The first one is the unchanged recipe.
    steps
        Maximum number of training steps of each trial.
    confirmation
        Comparison of the best settings with the unchanged recipe on fresh splits, which the search did not use. None if
        no settings scored better than the unchanged recipe, or if one of the two could not be trained.
    unconfirmed
        Error message if training failed on a fresh split; otherwise empty.
    """

    recipe: Recipe
    scorer: Scorer
    trials: list[Trial]
    steps: int
    confirmation: Confirmation | None = None
    unconfirmed: str = ""

    @property
    def default(self) -> Trial:
        """Return the first trial, which trained the unchanged recipe."""
        return self.trials[0]

    @property
    def ranked(self) -> list[Trial]:
        """Return the trials sorted from best to worst score; failed trials are last."""
        return sorted(self.trials, key=lambda t: (t.score is None, -(t.score or 0.0)))

    @property
    def best(self) -> Trial:
        """Return the trial with the best score in the search."""
        return self.ranked[0]

    @property
    def written(self) -> Trial:
        """Return the trial whose settings are saved as the tuned recipe.

        This is the best trial of the search. It is the unchanged recipe instead if training failed on a fresh split, or
        if the best trial's mean score on fresh splits is not higher than that of the unchanged recipe.
        """
        failed = self.unconfirmed or (self.confirmation and self.confirmation.difference <= 0)
        return self.default if failed else self.best

    @property
    def tuned_recipe(self) -> Recipe:
        """Return the tuned recipe, named ``<recipe>-tuned``: the recipe with the settings of the trial ``written``."""
        return Recipe.load(self.recipe, {**self.written.settings, "name": f"{self.recipe.name}-tuned"})

    def changes(self, trial: Trial) -> dict[str, Any]:
        """Return the settings of a trial that differ from those of the unchanged recipe, by dotted name."""
        own = self.default.settings
        return {name: value for name, value in trial.settings.items() if name not in own or own[name] != value}

    def describe(self, trial: Trial) -> str:
        """Describe the changed settings of a trial on one line, such as ``"noise.rate = 0.2, encoder.width = 256"``."""
        if trial.number == 0:
            return "the recipe as it is"
        return ", ".join(f"{name} = {_plain(value)}" for name, value in self.changes(trial).items()) or "the same"

    @property
    def text(self) -> str:
        """Return sentences on the result: whether tuning helped, by how much, and which settings are saved."""
        show, confirmation, best, count = self.scorer.format, self.confirmation, self.best, len(self.trials)
        if best.number == 0:
            return (
                f"None of {count - 1} other settings scored better than the recipe as it is "
                f"({show(best.score or 0.0)}); the recipe is written unchanged."
            )
        if self.unconfirmed:
            return (
                f"Trial {best.number} scored best, {show(best.score or 0.0)} compared with "
                f"{show(self.default.score or 0.0)} for the recipe as it is, but this could not be confirmed on fresh "
                f"splits ({self.unconfirmed}); the recipe is written unchanged."
            )
        if confirmation is None:
            return (
                f"The recipe as it is could not be trained ({self.default.reason}); the best of {count} settings "
                f"scores {show(best.score or 0.0)}, and was not compared on fresh splits."
            )
        low, high = confirmation.interval
        text = (
            f"Tuning {OUTCOME_PHRASES[confirmation.outcome]}: {show(confirmation.difference, '+')} in "
            f"{self.scorer.words} (95 % interval {show(low, '+')} to {show(high, '+')}) on {confirmation.splits} fresh "
            f"splits, seeds and draws of labels, {show(confirmation.best)} compared with {show(confirmation.default)} "
            f"for the recipe as it is. In the search it was {show(best.score or 0.0)} compared with "
            f"{show(self.default.score or 0.0)}: the best of {count} scores is too optimistic."
        )
        if confirmation.outcome == "helped":
            return text
        which = "the unchanged recipe" if self.written is self.default else f"trial {best.number}"
        return f"{text} The recipe file holds {which}, whose mean on fresh splits is higher."

    def to_toml(self, where: str, command: str) -> str:
        """Return the tuned recipe as TOML, with a description of the search as comments at the top.

        Parameters
        ----------
        where
            Name of the data.
        command
            Command line that ran the search.
        """
        lines = [
            f"{self.recipe.name}, tuned on {where} by {self.scorer.words} on held-out rows",
            f"Command: {command}",
            f"Trials: {len(self.trials)}, each of at most {self.steps} steps; this is trial {self.written.number}, "
            f"{self.describe(self.written)}",
            self.text,
        ]
        comments = "".join(f"# {''.join(c if c.isprintable() else ' ' for c in line)}\n" for line in lines)
        return f"{comments}\n{self.tuned_recipe.to_toml()}"

    def as_json(self) -> dict[str, Any]:
        """Convert the result to a dictionary of values that JSON can represent.

        Its keys are ``recipe`` (name), ``score`` (name of the score), ``steps``, ``trials`` (best first), ``default``
        (score of the unchanged recipe in the search), ``best`` (number, score and changed settings of the best trial),
        ``written`` (number of the trial that is saved) and ``verdict`` (comparison on fresh splits, and its ``text``).
        """
        confirmation = self.confirmation
        return {
            "recipe": self.recipe.name,
            "score": self.scorer.words,
            "steps": self.steps,
            "trials": [{**t._asdict(), "changes": self.changes(t)} for t in self.ranked],
            "default": self.default.score,
            "best": {"number": self.best.number, "score": self.best.score, "changes": self.changes(self.best)},
            "written": self.written.number,
            "verdict": {
                "outcome": confirmation.outcome if confirmation else "no difference",
                "difference": confirmation.difference if confirmation else 0.0,
                "interval": list(confirmation.interval) if confirmation else None,
                "best": confirmation.best if confirmation else None,
                "default": confirmation.default if confirmation else None,
                "splits": confirmation.splits if confirmation else 0,
                "text": self.text,
            },
        }


def _plain(value: Any) -> str:
    """Format the value of a setting on one line.

    A list is shown as its elements joined by ``+``, such as ``"linear+binary"``. A nested section (a dictionary) is
    shown as the value of its key ``kind``.
    """
    if isinstance(value, list | tuple):
        return "+".join(_plain(part) for part in value)
    if isinstance(value, dict):
        return str(value.get("kind", value))
    return f"{value}"
