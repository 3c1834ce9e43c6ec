"""Compute representations with a pre-trained model, and save and load it without pickle."""

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
from contramix.models import reading
from contramix.models.building import build_encoder
from contramix.models.inference import check_finite, embed
from contramix.recipe import VECTOR, Recipe
from contramix.runtime import atomic_files
from contramix.training import checkpoint

FORMAT = 1
"""Version of the format in which models are saved."""


@dataclass
class Pretrained:
    """Compute representations of records with a pre-trained encoder.

    Parameters
    ----------
    recipe
        Settings with which the encoder was trained.
    spec
        Specification of the training data, such as columns, categories and image size.
    encoder
        Network that maps samples to representations.
    facts
        Further entries of config.json, which ``contramix info`` prints, such as seed, number of steps and device.
    """

    recipe: Recipe
    spec: Spec
    encoder: Encoder
    facts: dict[str, Any] = field(default_factory=dict)

    def read(self, path: str | os.PathLike[str], options: ReadOptions | None = None) -> Records:
        """Read a file or folder of records, and convert them to the format of the model's training data.

        Images, for example, are resized to the image size of training.

        Parameters
        ----------
        path
            File or folder with data of the model's domain, such as a CSV file for a table model.
        options
            How to read the data; None: default options.

        Raises
        ------
        InputError
            If the file or folder cannot be read.
        """
        return reading.read(self.recipe, path, options, self.spec)

    def read_chunks(self, path: str | os.PathLike[str], options: ReadOptions | None = None) -> RecordChunks:
        """Read a file or folder of records in chunks, for data that may not fit into memory.

        Records are converted to the format of the model's training data.

        Parameters
        ----------
        path
            File or folder with data of the model's domain, such as a CSV file for a table model.
        options
            How to read the data; None: default options.

        Raises
        ------
        InputError
            If the file or folder cannot be read.
        """
        return reading.read_chunks(self.recipe, path, options, self.spec)

    def unknown(self, table: pa.Table, known: Sequence[str] = ()) -> tuple[str, ...]:
        """Return notes for the user on columns of a table that the training table did not have.

        Parameters
        ----------
        table
            Rows to embed.
        known
            Names of columns about which no note is needed, such as the target.
        """
        return self.spec.input_notes(table, known)

    def context_columns(self, table: pa.Table) -> list[str]:
        """Return the names of the columns that are not inputs but describe a record, such as ``file`` and ``label``.

        They are all columns of ``table`` except that with the images, texts or other content. The list is empty for
        models of tabular data.
        """
        content = DOMAINS[self.recipe.source_domain].content
        if content is None:
            return []
        inputs = {content.name} if self.recipe.backbone is None else {content.name, VECTOR}
        return [name for name in table.column_names if name not in inputs]

    def display_columns(self, table: pa.Table) -> list[str]:
        """Return the names of the columns by which a person recognizes records.

        They are the text column of a text model, and the columns that :meth:`context_columns` returns.
        """
        content = DOMAINS[self.recipe.source_domain].content
        if content is None or content.name not in table.column_names:
            return self.context_columns(table)
        texts = [content.name] if is_text(table.schema.field(content.name).type) else []
        return [*texts, *self.context_columns(table)]

    def embed(self, table: pa.Table, batch_size: int | None = None) -> Float32[ndarray, " n d"]:
        """Compute the representation of each row of a table, as a float32 array of shape (n, d).

        Parameters
        ----------
        table
            Rows with the columns of the training table.
        batch_size
            Number of rows in a batch; None: chosen automatically.

        Raises
        ------
        InputError
            If a column is missing or has another type than in training, or values are so large that they overflow.
        """
        return check_finite(embed(self.encoder, self.spec.tensorize(table), batch_size))

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Save the model to a folder, as model.safetensors, config.json, spec.json and recipe.toml.

        Raises
        ------
        InputError
            If the folder cannot be written.
        RunError
            If the disk is full.
        """
        path = atomic_files.create_folder(folder)
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
        atomic_files.write(path / "recipe.toml", self.recipe.to_toml())
        atomic_files.write(path / "spec.json", self.spec.model_dump_json(indent=1))
        atomic_files.write(path / "model.safetensors", weights)
        atomic_files.write(path / "config.json", json.dumps(config, indent=1, sort_keys=True) + "\n")

    @classmethod
    def load(
        cls,
        folder: str | os.PathLike[str],
        device: torch.device | str = "cpu",
        encoder: nn.Module | None = None,
    ) -> "Pretrained":
        """Load a model from a folder. No code in the folder is executed.

        Parameters
        ----------
        folder
            Folder of a saved model or a finished run.
        device
            Device of the encoder.
        encoder
            New instance of the user's own PyTorch module, if the model was trained with one.

        Raises
        ------
        InputError
            If the folder holds no complete model of a known format.
        """
        path = Path(folder)
        config = _read_config(path)
        try:
            recipe = Recipe.from_toml((path / "recipe.toml").read_text(encoding="utf-8"), str(path / "recipe.toml"))
            spec = read_spec(path, recipe)
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: not a whole model: {error}") from error
        if config.get("own_encoder") and encoder is None:
            raise InputError(f"{path}: trained around a module of your own; give it as load(..., encoder=module)")
        with torch.random.fork_rng(devices=[]):
            network = build_encoder(recipe.encoder, spec, encoder)
        load_weights(network, path / "model.safetensors", config["sha256"])
        return cls(recipe, spec, network.to(device).eval(), config)


def read_spec(folder: Path, recipe: Recipe) -> Spec:
    """Read ``spec.json`` in a folder: the specification of the data on which a model was trained.

    Parameters
    ----------
    folder
        Folder of a run or model.
    recipe
        Recipe of the run, which names the domain of the data.

    Raises
    ------
    InputError
        If the file is not a specification of the recipe's domain.
    OSError, UnicodeDecodeError
        If the file cannot be read.
    """
    path = folder / "spec.json"
    try:
        spec: Spec = DOMAINS[recipe.domain].spec.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise InputError(f"{path}: not a specification of {recipe.domain} data: {error.errors()[0]['msg']}") from error
    return spec


def load_weights(module: nn.Module, path: Path, sha256: str) -> None:
    """Load the weights of a module from a safetensors file.

    Parameters
    ----------
    module
        Module whose weights are overwritten.
    path
        File to read.
    sha256
        Expected SHA-256 checksum of the file.

    Raises
    ------
    InputError
        If the file does not exist, is damaged, or was made for another module.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path.parent}: not a whole model: {error}") from error
    tensors, _ = checkpoint.from_bytes(data, path)
    checkpoint.load_tensors_into(module, tensors, path)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise InputError(f"{path}: damaged (its checksum is not the one in config.json); {checkpoint.REPAIR_HINT}")


def _read_config(folder: Path) -> dict[str, Any]:
    """Read config.json in the folder of a model, and check that it describes a model in the present format."""
    path = folder / "config.json"
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder; give a run's or a model's folder")
    if not path.is_file():
        started = (folder / "recipe.toml").is_file()
        why = "the run is unfinished; run its pretrain command again" if started else "no config.json in it"
        raise InputError(f"{folder}: not a trained model: {why}")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not JSON ({error}); {checkpoint.REPAIR_HINT}") from error
    if not isinstance(config, dict) or not isinstance(config.get("sha256"), str):
        raise InputError(f"{path}: not the configuration of a contramix model")
    if config.get("format_version") != FORMAT:
        raise InputError(
            f"{folder}: saved in format {config.get('format_version')} by contramix {config.get('contramix')}; "
            f"this is contramix {version('contramix')}, which reads format {FORMAT}"
        )
    return config


def environment() -> dict[str, Any]:
    """Return the Python, torch and numpy versions, the machine, and the number of threads.

    Results may differ in their last digits between environments.
    """
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "threads": torch.get_num_threads(),
    }
