"""Store the trials of a search in an SQLite file, so that a search that was stopped can be resumed."""

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
"""Name of the study in the file."""


def find_optuna() -> Any:
    """Return the module optuna.

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
    """Hold a finished trial: settings of the recipe, and their score."""

    number: int
    """Number of the trial; 0 is the recipe as it is."""
    settings: dict[str, Any]
    """Changed settings by dotted name."""
    score: float | None
    """Score; None if the settings could not be trained."""
    seconds: float
    reason: str
    """Reason why there is no score; empty otherwise."""


class Trials:
    """Store the trials of a search in an Optuna study, of which only finished trials count.

    A trial that was interrupted is marked as failed when the file is opened again. What is drawn for a trial depends on
    the seed and the finished trials only. The interrupted trial is therefore drawn again, and the search ends as if it
    had not been interrupted. The file holds numbers and JSON, no pickle.

    Parameters
    ----------
    path
        Path of the SQLite file, which is created if it does not exist.

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
            # Connect by path, since '?' and '%' have a meaning in a URL.
            connect = partial(sqlite3.connect, path, timeout=30)
            storage = optuna.storages.RDBStorage("sqlite://", {"creator": connect, "poolclass": NullPool})
            self._study = optuna.create_study(
                storage=storage, study_name=NAME, direction="maximize", load_if_exists=True
            )
            for trial in self._study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.RUNNING]):
                self._study.tell(trial.number, state=optuna.trial.TrialState.FAIL)

    def claim(self, recipe: Recipe, facts: dict[str, str]) -> None:
        """Store the recipe and the settings of the search, or compare them with those that are stored.

        Raises
        ------
        InputError
            If the file holds a search with other settings; the message names them.
        """
        settings = {"recipe": recipe.to_toml(), **facts}
        with self.errors():
            stored = self._study.user_attrs.get("search")
            if stored is None:
                self._study.set_user_attr("search", settings)
                return
            differ = recipe.differences(Recipe.from_toml(stored["recipe"], str(self.path)))
        differ += [f"{name}: {facts[name]} and {stored.get(name)}" for name in facts if facts[name] != stored.get(name)]
        if differ:
            raise InputError(
                f"{self.path.parent}: holds a search with other settings ({'; '.join(differ[:3])}); give another "
                "`out`, or the same settings to resume it"
            )

    def finished(self) -> list[Trial]:
        """Return the finished trials in order."""
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
        """Begin the next trial and return it.

        Parameters
        ----------
        seed
            Seed of the search.
        own
            The recipe's own values by the names of Optuna's parameters, which are the first trial.
        """
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
        """End a trial with its settings and score; a trial without a score counts as worse than all others."""
        states = self._optuna.trial.TrialState
        with self.errors():
            trial.set_user_attr("settings", json.dumps(settings))
            trial.set_user_attr("seconds", round(seconds, 2))
            trial.set_user_attr("reason", reason)
            self._study.tell(trial, score, state=states.PRUNED if score is None else states.COMPLETE)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raise an error of one line if the file cannot be read or written."""
        from sqlalchemy.exc import DatabaseError, OperationalError

        try:
            yield
        except self._optuna.exceptions.StorageInternalError as error:
            why = getattr(error.__cause__, "orig", error)
            raise RunError(f"{self.path}: the trial could not be stored: {why}") from error
        except OperationalError as error:
            raise RunError(f"{self.path}: {error.orig}") from error
        except (DatabaseError, KeyError) as error:
            raise InputError(f"{self.path}: not a search that can be resumed ({error}); start a new one") from error
