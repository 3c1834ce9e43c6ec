"""Read what a report shows about a run from its folder, without loading the model."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contramix.domains.spec import LeftOut
from contramix.errors import InputError
from contramix.models.pretrained import read_spec
from contramix.recipe import Recipe
from contramix.runs.log import read_log


@dataclass(frozen=True)
class RunFacts:
    """Collect what a report shows about one pre-training run.

    Parameters
    ----------
    name
        Name of the run, such as ``"dacl, seed 0"``.
    config, log, recipe_toml
        Contents of ``config.json``, ``log.jsonl`` (one dictionary for each line) and ``recipe.toml``.
    columns
        Names of the input columns by kind, such as numeric or categorical.
    left_out
        Columns that are not used as inputs, with the reasons.
    rows
        Number of rows that the model was pre-trained on.
    target
        Name of the target column, which is not an input; None if there is none.
    """

    name: str
    config: dict[str, Any] = field(repr=False)
    log: list[dict[str, Any]] = field(repr=False)
    recipe_toml: str = field(repr=False)
    columns: dict[str, list[str]]
    left_out: tuple[LeftOut, ...]
    rows: int
    target: str | None

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> "RunFacts":
        """Read what a report shows about a run from the folder of a finished run or of a saved model.

        Raises
        ------
        InputError
            If the folder does not exist, or does not contain a finished run or a complete model.
        """
        place = Path(folder)
        if not place.is_dir():
            raise InputError(f"{place}: there is no such folder; give a run's or a model's folder")
        if not (place / "config.json").is_file():
            raise InputError(
                f"{place}: there is no config.json in it, so the run is not finished; run its pretrain command again"
            )
        config = read_object(place / "config.json")
        try:
            recipe = (place / "recipe.toml").read_text(encoding="utf-8")
            spec = read_spec(place, Recipe.from_toml(recipe, str(place / "recipe.toml")))
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{place}: not a complete model: {error}") from error
        name = f"{config.get('recipe', place.name)}, seed {config.get('seed', 0)}"
        rows = config.get("rows", spec.rows)
        log = [line for line in read_log(place) if isinstance(line["step"], int)]
        return cls(name, config, log, recipe, spec.kinds, spec.left_out, rows, spec.target)

    @property
    def alarms(self) -> list[dict[str, Any]]:
        """Return the alarms raised in training, as dictionaries with the keys ``name``, ``step`` and ``text``."""
        found = self.config.get("alarms") or []
        return [{"name": "", "step": None, "text": "", **alarm} for alarm in found]


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file whose content must be an object.

    Raises
    ------
    InputError
        If the file cannot be read, is not valid JSON, or contains something other than an object.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not JSON ({error}); write it again") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: holds no JSON object; write it again")
    return found
