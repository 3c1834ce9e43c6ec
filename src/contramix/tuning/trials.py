"""The trials of a search, in an SQLite file: whatever is killed when, the search goes on as if it had not been."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from contramix.errors import InputError, RunError
from contramix.recipe import Recipe
from contramix.runtime.randomness import Key

if TYPE_CHECKING:
    from optuna import Trial as OptunaTrial

NAME = "tune"


def find_optuna() -> Any:
    """Optuna.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise InputError("tune needs an extra: pip install 'contramix[tune]'") from error
    return optuna


class Trial(NamedTuple):
    """A finished trial."""

    number: int
    """0 is the recipe as it is."""
    settings: dict[str, Any]
    """What was set, by dotted name."""
    score: float | None
    """None: it could not be trained."""
    seconds: float
    reason: str
    """Why it has no score."""


class Trials:
    """A study of Optuna's, of which only finished trials count.

    A trial that a kill cut short is struck out when the file is opened. What is drawn for a trial depends on the seed
    and the finished trials before it alone, so the same trial is drawn again, and the search ends as an uninterrupted
    one. The file holds numbers and JSON, no pickle.

    Raises
    ------
    InputError
        If the file is not a study.
    """

    def __init__(self, path: Path) -> None:
        optuna = find_optuna()
        from sqlalchemy.pool import NullPool

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._optuna, self.path = optuna, path
        with self.errors():
            # Not by its path in a URL, where '?' and '%' mean something.
            connect = partial(sqlite3.connect, path, timeout=30)
            storage = optuna.storages.RDBStorage("sqlite://", {"creator": connect, "poolclass": NullPool})
            self._study = optuna.create_study(
                storage=storage, study_name=NAME, direction="maximize", load_if_exists=True
            )
            for trial in self._study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.RUNNING]):
                self._study.tell(trial.number, state=optuna.trial.TrialState.FAIL)

    def claim(self, recipe: Recipe, facts: dict[str, str]) -> None:
        """Write down what the search is; refuse to go on with another one.

        Raises
        ------
        InputError
            The message names what differs.
        """
        mine = {"recipe": recipe.to_toml(), **facts}
        with self.errors():
            there = self._study.user_attrs.get("search")
            if there is None:
                self._study.set_user_attr("search", mine)
                return
            differ = recipe.differences(Recipe.from_toml(there["recipe"], str(self.path)))
        differ += [f"{name}: {facts[name]} and {there.get(name)}" for name in facts if facts[name] != there.get(name)]
        if differ:
            raise InputError(
                f"{self.path.parent}: holds a search with other settings ({'; '.join(differ[:3])}); give another "
                "--out, or the same settings to go on with it"
            )

    def finished(self) -> list[Trial]:
        """The trials that ended, in order."""
        states = self._optuna.trial.TrialState
        with self.errors():
            ended = self._study.get_trials(deepcopy=False, states=[states.COMPLETE, states.PRUNED])
        return [
            Trial(
                number,
                json.loads(trial.user_attrs["settings"]),
                trial.value if trial.state == states.COMPLETE else None,
                trial.user_attrs["seconds"],
                trial.user_attrs.get("reason", ""),
            )
            for number, trial in enumerate(ended)
        ]

    def ask(self, seed: int, own: dict[str, Any]) -> "OptunaTrial":
        """Begin the next trial; the first one gets the recipe's own settings."""
        optuna, waiting = self._optuna, self._optuna.trial.TrialState.WAITING
        with self.errors():
            number = len(self.finished())
            sampler_seed = Key(seed, "trial", number).seed % 2**32
            self._study.sampler = optuna.samplers.TPESampler(seed=sampler_seed)
            if number == 0 and not self._study.get_trials(deepcopy=False, states=[waiting]):
                self._study.enqueue_trial(own)
            trial: OptunaTrial = self._study.ask()
        return trial

    def tell(
        self, trial: "OptunaTrial", settings: dict[str, Any], score: float | None, seconds: float, reason: str = ""
    ) -> None:
        """End a trial. One without a score is remembered as worse than all others."""
        states = self._optuna.trial.TrialState
        with self.errors():
            trial.set_user_attr("settings", json.dumps(settings))
            trial.set_user_attr("seconds", round(seconds, 2))
            trial.set_user_attr("reason", reason)
            self._study.tell(trial, score, state=states.PRUNED if score is None else states.COMPLETE)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Say in one line what went wrong with the file."""
        from sqlalchemy.exc import DatabaseError, OperationalError

        try:
            yield
        except self._optuna.exceptions.StorageInternalError as error:
            why = getattr(error.__cause__, "orig", error)
            raise RunError(f"{self.path}: a trial could not be written down: {why}") from error
        except OperationalError as error:
            raise RunError(f"{self.path}: {error.orig}") from error
        except (DatabaseError, KeyError) as error:
            raise InputError(f"{self.path}: not a search that can be gone on with ({error}); begin anew") from error
