"""What a search found: every trial, the best setting, and whether it is better on fresh rows, seeds and labels."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from contramix.evaluation.verdict import IN_WORDS, Outcome
from contramix.recipe import Recipe
from contramix.tuning.scorers import Scorer
from contramix.tuning.trials import Trial


class Confirmation(NamedTuple):
    """The best setting against the recipe as it is, on splits, seeds and labels that the search did not see."""

    best: float
    default: float
    difference: float
    interval: tuple[float, float]
    splits: int

    @property
    def outcome(self) -> Outcome:
        """Whether the interval leaves zero out."""
        low, high = self.interval
        return "helped" if low > 0 else "hurt" if high < 0 else "no difference"


@dataclass(frozen=True)
class TuningResult:
    """The result of a search.

    Parameters
    ----------
    recipe, scorer, steps
        What was tuned, by which score, and how long a trial trained at most.
    trials
        All trials in order; the first is the recipe as it is.
    confirmation
        None where no setting scored better than the recipe as it is, or one of the two could not be trained.
    unconfirmed
        Why not, if that was on a fresh split.
    """

    recipe: Recipe
    scorer: Scorer
    trials: list[Trial]
    steps: int
    confirmation: Confirmation | None = None
    unconfirmed: str = ""

    @property
    def default(self) -> Trial:
        """The recipe as it is."""
        return self.trials[0]

    @property
    def ranked(self) -> list[Trial]:
        """Best first; earlier ones before later ones of the same score, failed ones last."""
        return sorted(self.trials, key=lambda t: (t.score is None, -(t.score or 0.0)))

    @property
    def best(self) -> Trial:
        """The best score of the search."""
        return self.ranked[0]

    @property
    def written(self) -> Trial:
        """What is written as a recipe: the best, unless on fresh splits it fails or does no better."""
        failed = self.unconfirmed or (self.confirmation and self.confirmation.difference <= 0)
        return self.default if failed else self.best

    @property
    def tuned_recipe(self) -> Recipe:
        """The recipe that is written."""
        return Recipe.load(self.recipe, {**self.written.settings, "name": f"{self.recipe.name}-tuned"})

    def changes(self, tried: Trial) -> dict[str, Any]:
        """The settings of a trial that are not the recipe's own."""
        own = self.default.settings
        return {name: value for name, value in tried.settings.items() if name not in own or own[name] != value}

    def in_words(self, tried: Trial) -> str:
        """A trial's settings on one line."""
        if tried.number == 0:
            return "the recipe as it is"
        return ", ".join(f"{name} = {_plain(value)}" for name, value in self.changes(tried).items()) or "the same"

    @property
    def text(self) -> str:
        """What to say of it."""
        show, check, best, many = self.scorer.show, self.confirmation, self.best, len(self.trials)
        if best.number == 0:
            return (
                f"None of {many - 1} other settings scored better than the recipe as it is "
                f"({show(best.score or 0.0)}); the recipe is written unchanged."
            )
        if self.unconfirmed:
            return (
                f"Trial {best.number} scored best, {show(best.score or 0.0)} beside {show(self.default.score or 0.0)} "
                f"of the recipe as it is, but that could not be checked on fresh splits ({self.unconfirmed}); the "
                "recipe is written unchanged."
            )
        if check is None:
            return (
                f"The recipe as it is could not be trained ({self.default.reason}); the best of {many} settings scores "
                f"{show(best.score or 0.0)}, and was not checked on fresh splits."
            )
        low, high = check.interval
        text = (
            f"Tuning {IN_WORDS[check.outcome]}: {show(check.difference, '+')} in {self.scorer.words} (95 % interval "
            f"{show(low, '+')} to {show(high, '+')}) on {check.splits} fresh splits, seeds and draws of labels, "
            f"{show(check.best)} beside {show(check.default)} of the recipe as it is. In the search it was "
            f"{show(best.score or 0.0)} beside {show(self.default.score or 0.0)}: the best of {many} is flattered."
        )
        if check.outcome == "helped":
            return text
        which = "the recipe unchanged" if self.written is self.default else f"trial {best.number} all the same"
        return f"{text} What is written is {which}, whose mean on fresh splits is higher."

    def to_toml(self, where: str, command: str) -> str:
        """The recipe to use, with where it comes from above it."""
        lines = [
            f"{self.recipe.name}, tuned on {where} by {self.scorer.words} on rows held out",
            f"Command: {command}",
            f"Trials: {len(self.trials)}, each of at most {self.steps} steps; this is trial {self.written.number}, "
            f"{self.in_words(self.written)}",
            self.text,
        ]
        comments = "".join(f"# {''.join(c if c.isprintable() else ' ' for c in line)}\n" for line in lines)
        return f"{comments}\n{self.tuned_recipe.to_toml()}"

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        check = self.confirmation
        return {
            "recipe": self.recipe.name,
            "score": self.scorer.words,
            "steps": self.steps,
            "trials": [{**t._asdict(), "changes": self.changes(t)} for t in self.ranked],
            "default": self.default.score,
            "best": {"number": self.best.number, "score": self.best.score, "changes": self.changes(self.best)},
            "written": self.written.number,
            "verdict": {
                "outcome": check.outcome if check else "no difference",
                "difference": check.difference if check else 0.0,
                "interval": list(check.interval) if check else None,
                "best": check.best if check else None,
                "default": check.default if check else None,
                "splits": check.splits if check else 0,
                "text": self.text,
            },
        }


def _plain(value: Any) -> str:
    """A setting's value on one line: of parts their kinds, several joined by a plus."""
    if isinstance(value, list | tuple):
        return "+".join(_plain(part) for part in value)
    if isinstance(value, dict):
        return str(value.get("kind", value))
    return f"{value}"
