"""What a report tells of one run: read from its folder, without loading the model."""

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
    """One run.

    Parameters
    ----------
    name
        What the run is called: its recipe, and its seed.
    config, log, recipe_toml
        What ``config.json``, ``log.jsonl`` and ``recipe.toml`` hold.
    columns
        Names of the inputs, by kind.
    left_out
        Columns that are no inputs, and why.
    rows, target
        How many rows it was trained on, and the column that was to be predicted.
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
        """Read a finished run's folder, or a saved model's.

        Raises
        ------
        InputError
            If it is not one; the message names the file.
        """
        place = Path(folder)
        if not place.is_dir():
            raise InputError(f"{place}: there is no such folder; give a run's or a model's folder")
        if not (place / "config.json").is_file():
            raise InputError(f"{place}: no config.json in it, so no finished run; run its pretrain command to the end")
        config = read_object(place / "config.json")
        try:
            recipe = (place / "recipe.toml").read_text(encoding="utf-8")
            spec = read_spec(place, Recipe.from_toml(recipe, str(place / "recipe.toml")))
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{place}: not a whole model: {error}") from error
        name = f"{config.get('recipe', place.name)}, seed {config.get('seed', 0)}"
        rows = config.get("rows", spec.rows)
        log = [line for line in read_log(place) if isinstance(line["step"], int)]
        return cls(name, config, log, recipe, spec.kinds, spec.left_out, rows, spec.target)

    @property
    def alarms(self) -> list[dict[str, Any]]:
        """What went wrong in training: name, step and text of each."""
        found = self.config.get("alarms") or []
        return [{"name": "", "step": None, "text": "", **alarm} for alarm in found]


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises
    ------
    InputError
        If the file cannot be read or holds something else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not JSON ({error}); write it anew") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: holds no JSON object; write it anew")
    return found
