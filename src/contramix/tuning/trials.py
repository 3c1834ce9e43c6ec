"""Store the trials of a search in an SQLite file, so that an interrupted search can be resumed."""

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
"""Name of the Optuna study in the file."""


def find_optuna() -> Any:
    """Import optuna and return the module.

    Raises
    ------
    InputError
        If optuna is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise InputError("tune needs an extra: pip install 'contramix[tune]'") from error
    return optuna


class Trial(NamedTuple):
    """Describe a finished trial: the settings that were tried, and their score.

    Parameters
    ----------
    number
        Number of the trial; 0 is the unchanged recipe.
    settings
        Settings by dotted name.
    score
        Score; None if training failed.
    seconds
        Time that training and scoring took.
    reason
        Error message if training failed; otherwise empty.
    """

    number: int
    settings: dict[str, Any]
    score: float | None
    seconds: float
    reason: str


class Trials:
    """Store the trials of a search in an Optuna study in an SQLite file.

    Only finished trials count. When the file is opened again, an interrupted trial is marked as failed. The settings of
    a trial depend only on the seed and on the finished trials before it. Therefore a resumed search draws the
    interrupted trial again, and has the same result as if it had not been interrupted. The file contains numbers and
    JSON, no pickles.

    Parameters
    ----------
    path
        Path of the SQLite file, which is created if it does not exist.

    Raises
    ------
    InputError
        If the file is not an Optuna study.
    """

    def __init__(self, path: Path) -> None:
        optuna = find_optuna()
        from sqlalchemy.pool import NullPool

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._optuna, self.path = optuna, path
        with self.one_line_errors():
            # Connect by path, since '?' and '%' have a meaning in a URL.
            connect = partial(sqlite3.connect, path, timeout=30)
            storage = optuna.storages.RDBStorage("sqlite://", {"creator": connect, "poolclass": NullPool})
            self._study = optuna.create_study(
                storage=storage, study_name=NAME, direction="maximize", load_if_exists=True
            )
            for trial in self._study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.RUNNING]):
                self._study.tell(trial.number, state=optuna.trial.TrialState.FAIL)

    def claim(self, recipe: Recipe, facts: dict[str, str]) -> None:
        """Store the recipe and settings of the search in the file, or check that they equal those already stored.

        ``facts`` are the settings of the search by name.

        Raises
        ------
        InputError
            If the file belongs to a search with other settings.
        """
        settings = {"recipe": recipe.to_toml(), **facts}
        with self.one_line_errors():
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
        """Return the finished trials, including failed ones, in the order in which they ran."""
        states = self._optuna.trial.TrialState
        with self.one_line_errors():
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
        """Start the next trial, and return the Optuna trial that draws its settings.

        Parameters
        ----------
        seed
            Seed of the search.
        own
            The recipe's own values by the name of their Optuna parameter. They are the settings of the first trial.
        """
        optuna, waiting = self._optuna, self._optuna.trial.TrialState.WAITING
        with self.one_line_errors():
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
        """Finish a trial and store its result; a failed trial ranks below all others.

        Parameters
        ----------
        trial
            Optuna trial from :meth:`ask`.
        settings
            Settings that were tried, by dotted name.
        score
            Score; None if training failed.
        seconds
            Time that training and scoring took.
        reason
            Error message if training failed.
        """
        states = self._optuna.trial.TrialState
        with self.one_line_errors():
            trial.set_user_attr("settings", json.dumps(settings))
            trial.set_user_attr("seconds", round(seconds, 2))
            trial.set_user_attr("reason", reason)
            self._study.tell(trial, score, state=states.PRUNED if score is None else states.COMPLETE)

    @contextmanager
    def one_line_errors(self) -> Iterator[None]:
        """Convert errors of the database in the ``with`` block to errors with a one-line message.

        Raises
        ------
        InputError
            If the file is not a search that can be resumed.
        RunError
            If the file cannot be read or written.
        """
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
