"""A pre-trained model: encoder, what was learned of the data, and the recipe. Saved without pickle."""

import hashlib
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float32
from numpy import ndarray
from pydantic import ValidationError
from torch import nn

from contramix.domains import DOMAINS, Spec
from contramix.encoders.encoder import Encoder
from contramix.errors import InputError
from contramix.io.options import ReadOptions
from contramix.io.records import RecordChunks, Records, is_text
from contramix.models.building import build_encoder
from contramix.models.inference import embed, finite
from contramix.recipe import Recipe
from contramix.runtime import atomic_files
from contramix.training import checkpoint

FORMAT = 1


@dataclass
class Pretrained:
    """What turns data into representations.

    Parameters
    ----------
    recipe, spec, encoder
        How it was trained, on what, and the network.
    facts
        Seed, steps, machine: whatever ``contramix info`` should tell.
    """

    recipe: Recipe
    spec: Spec
    encoder: Encoder
    facts: dict[str, Any] = field(default_factory=dict)

    def read(self, path: str | os.PathLike[str], options: ReadOptions | None = None) -> Records:
        """Read a file or folder in the form of what this model was trained on.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        return DOMAINS[self.recipe.domain].read(path, options or ReadOptions(), self.recipe.data, self.spec)

    def read_chunks(self, path: str | os.PathLike[str], options: ReadOptions | None = None) -> RecordChunks:
        """The same, portion by portion, for a file that may not fit into memory.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        return DOMAINS[self.recipe.domain].read_chunks(path, options or ReadOptions(), self.recipe.data, self.spec)

    def unknown(self, table: pa.Table, known: Sequence[str] = ()) -> tuple[str, ...]:
        """A note on columns that the training table did not have, and that are not known otherwise."""
        return self.spec.input_notes(table, known)

    def beside(self, table: pa.Table) -> list[str]:
        """Columns that say which record a row is of, and stand beside a result: of sounds, its file and label."""
        content = DOMAINS[self.recipe.domain].content
        return [] if content is None else [name for name in table.column_names if name != content.name]

    def shown(self, table: pa.Table) -> list[str]:
        """Columns that show a person which record a row is of: those beside it, and a text itself."""
        content = DOMAINS[self.recipe.domain].content
        if content is None or content.name not in table.column_names:
            return self.beside(table)
        itself = [content.name] if is_text(table.schema.field(content.name).type) else []
        return [*itself, *self.beside(table)]

    def embed(self, table: pa.Table, batch_size: int | None = None) -> Float32[ndarray, " n d"]:
        """The representation of each row, in order.

        Raises
        ------
        InputError
            If a column is missing or is of another kind than it was, or values are so large that they overflow.
        """
        return finite(embed(self.encoder, self.spec.tensorize(table), batch_size))

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write model.safetensors, config.json, spec.json and recipe.toml into a folder.

        Raises
        ------
        InputError, RunError
            If the folder cannot be written, or is full.
        """
        place = make_folder(folder)
        weights = checkpoint.to_bytes(dict(checkpoint.unique_state(self.encoder)), {"format": FORMAT})
        config = {
            **self.facts,
            "format_version": FORMAT,
            "contramix": version("contramix"),
            "recipe": self.recipe.name,
            "domain": self.recipe.domain,
            "representation": self.encoder.width,
            "sha256": hashlib.sha256(weights).hexdigest(),
            "environment": environment(),
        }
        atomic_files.write(place / "recipe.toml", self.recipe.to_toml())
        atomic_files.write(place / "spec.json", self.spec.model_dump_json(indent=1))
        atomic_files.write(place / "model.safetensors", weights)
        atomic_files.write(place / "config.json", json.dumps(config, indent=1, sort_keys=True) + "\n")

    @classmethod
    def load(
        cls,
        folder: str | os.PathLike[str],
        device: torch.device | str = "cpu",
        encoder: nn.Module | None = None,
    ) -> "Pretrained":
        """Read what :meth:`save` wrote. Nothing in the folder is executed.

        Parameters
        ----------
        folder
            A model's or a finished run's folder.
        device
            Where the encoder shall lie.
        encoder
            For a model trained around a module of your own: that module, built anew.

        Raises
        ------
        InputError
            If it is not a whole model of a known format.
        """
        place = Path(folder)
        config = _config(place)
        try:
            recipe = Recipe.from_toml((place / "recipe.toml").read_text(encoding="utf-8"), str(place / "recipe.toml"))
            spec = read_spec(place, recipe)
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{place}: not a whole model: {error}") from error
        if config.get("own_encoder") and encoder is None:
            raise InputError(f"{place}: trained around a module of your own; give it as load(..., encoder=module)")
        with torch.random.fork_rng(devices=[]):
            made = build_encoder(recipe.encoder, spec, encoder)
        fill(made, place / "model.safetensors", config["sha256"])
        return cls(recipe, spec, made.to(device).eval(), config)


def read_spec(folder: Path, recipe: Recipe) -> Spec:
    """What was learned of the data of a run.

    Raises
    ------
    InputError
        If it is not a specification of the recipe's domain.
    OSError, UnicodeDecodeError
        If it cannot be read.
    """
    path = folder / "spec.json"
    try:
        spec: Spec = DOMAINS[recipe.domain].spec.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise InputError(f"{path}: not a specification of {recipe.domain} data: {error.errors()[0]['msg']}") from error
    return spec


def make_folder(folder: str | os.PathLike[str]) -> Path:
    """The folder, made if it is not there.

    Raises
    ------
    InputError, RunError
        If it cannot be made.
    """
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise atomic_files.unwritable(place, 0, error) from error
    return place


def fill(module: nn.Module, path: Path, sha256: str) -> None:
    """Copy saved weights into a module.

    Raises
    ------
    InputError
        If the file is not there, is damaged, or was made for another module.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path.parent}: not a whole model: {error}") from error
    tensors, _ = checkpoint.from_bytes(data, path)
    checkpoint.load_tensors_into(module, tensors, path)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise InputError(f"{path}: damaged (its checksum is not the one in config.json); {checkpoint.REPAIR_HINT}")


def _config(place: Path) -> dict[str, Any]:
    path = place / "config.json"
    if not place.is_dir():
        raise InputError(f"{place}: there is no such folder; give a run's or a model's folder")
    if not path.is_file():
        started = (place / "recipe.toml").is_file()
        why = "the run is unfinished; run its pretrain command again" if started else "no config.json in it"
        raise InputError(f"{place}: not a trained model: {why}")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not JSON ({error}); {checkpoint.REPAIR_HINT}") from error
    if not isinstance(config, dict) or not isinstance(config.get("sha256"), str):
        raise InputError(f"{path}: not the configuration of a contramix model")
    if config.get("format_version") != FORMAT:
        raise InputError(
            f"{place}: saved in format {config.get('format_version')} by contramix {config.get('contramix')}; "
            f"this is contramix {version('contramix')}, which reads format {FORMAT}"
        )
    return config


def environment() -> dict[str, Any]:
    """What decides over the last digits of a result."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "threads": torch.get_num_threads(),
    }
