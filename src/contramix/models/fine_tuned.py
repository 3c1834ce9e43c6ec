"""Predict with a fine-tuned model, and save and load it without pickle."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from jaxtyping import Float, Shaped
from numpy import ndarray
from torch import nn

from contramix.errors import InputError
from contramix.models.fine_tuned_network import FineTunedNetwork
from contramix.models.inference import check_finite, device_of
from contramix.models.predictor import Predictor, TargetConfig
from contramix.models.pretrained import Pretrained, load_weights
from contramix.models.task import Task
from contramix.runtime import atomic_files
from contramix.training import checkpoint

HEAD_FILE = "head.safetensors"
"""Name of the file with the head's weights."""


class _HeadConfig(TargetConfig):
    """Describe the head of a fine-tuned model, as config.json stores it under ``predicts``.

    The base class takes ``kind``, ``target``, ``classes``, ``labels`` and ``sha256``.

    Parameters
    ----------
    mean, scale
        Mean and standard deviation by which a numeric target is standardized; 0 and 1 for classification.
    """

    mean: float
    scale: float


@dataclass(kw_only=True)
class FineTunedModel(Predictor):
    """Predict a target column from tables, and compute the representations of the fine-tuned encoder.

    The base class takes ``recipe`` (settings of pre-training), ``spec`` (specification of the input data), ``encoder``
    (the encoder of ``network``) and ``facts`` (further entries of config.json).

    Parameters
    ----------
    network
        Fine-tuned encoder with its prediction head.
    """

    network: FineTunedNetwork

    @classmethod
    def from_network(
        cls,
        model: Pretrained,
        network: FineTunedNetwork,
        labels: Shaped[ndarray, " C"],
        facts: Mapping[str, Any] | None = None,
        shares: Float[ndarray, " C"] | None = None,
    ) -> "FineTunedModel":
        """Create a fine-tuned model from a pre-trained model, a fine-tuned network and class labels.

        Parameters
        ----------
        model
            Pre-trained model whose recipe, specification and facts the new model takes over.
        network
            Fine-tuned encoder and head.
        labels
            Classes as values of the target column's type, such as integers, in the order of ``network.task.classes``.
        facts
            Further entries for config.json.
        shares
            Share of each class among the labeled rows, weighted as in the loss.
        """
        kept = {name: value for name, value in model.facts.items() if name != "blend"}
        known = {**kept, **(facts or {}), "finetuning": network.facts}
        return cls(model.recipe, model.spec, network.encoder, known, network=network, labels=labels, shares=shares)

    @property
    def task(self) -> Task:
        """Return the task of the model: classification or regression, the target column, and the classes."""
        return self.network.task

    def _unadjusted_scores(self, table: pa.Table) -> Float[ndarray, " n C"] | Float[ndarray, " n"]:
        return check_finite(self.network.scores(self.spec.tensorize(table)), what="prediction")

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Save the model to a folder: the files that :meth:`Pretrained.save` writes, and head.safetensors.

        Raises
        ------
        InputError, RunError
            If the folder cannot be written, or the disk is full.
        """
        weights = checkpoint.to_bytes(dict(checkpoint.unique_state(self.network.head)), {})
        config = _HeadConfig(
            **self.target_config(),
            mean=self.network.mean,
            scale=self.network.scale,
            sha256=hashlib.sha256(weights).hexdigest(),
        )
        self.facts["predicts"] = config.model_dump(mode="json")
        atomic_files.write(atomic_files.create_folder(folder) / HEAD_FILE, weights)
        super().save(folder)

    @classmethod
    def load(
        cls,
        folder: str | os.PathLike[str],
        device: torch.device | str = "cpu",
        encoder: nn.Module | None = None,
    ) -> "FineTunedModel":
        """Load a fine-tuned model from a folder. No code in the folder is executed.

        Parameters
        ----------
        folder
            Folder of a saved fine-tuned model.
        device
            Device of the network.
        encoder
            New instance of the user's own PyTorch module, if the model was trained with one.

        Raises
        ------
        InputError
            If the folder holds no complete model of a known format, or one that was not fine-tuned.
        """
        return cls.from_pretrained(Pretrained.load(folder, device, encoder), Path(folder))

    @classmethod
    def from_pretrained(cls, model: Pretrained, folder: Path) -> "FineTunedModel":
        """Load the head of a fine-tuned model, and combine it with the encoder.

        Parameters
        ----------
        model
            Model that :meth:`Pretrained.load` has loaded from the folder.
        folder
            Folder of the fine-tuned model.

        Raises
        ------
        InputError
            If the model was not fine-tuned, or the head is damaged.
        """
        if "predicts" not in model.facts:
            raise InputError(
                f"{folder}: holds an encoder, which predicts nothing yet; learn to predict first, with "
                f"'contramix fit {folder}' or ContrastiveClassifier(pretrained={str(folder)!r})"
            )
        found = _HeadConfig.read(model, folder)
        with torch.random.fork_rng(devices=[]):
            network = FineTunedNetwork(model.encoder, found.task, found.mean, found.scale)
        load_weights(network.head, folder / HEAD_FILE, found.sha256)
        network.facts = model.facts.get("finetuning", {})
        device = device_of(model.encoder)
        known = (model.recipe, model.spec, model.encoder, model.facts)
        return cls(*known, network=network.to(device).eval(), **found.class_facts)
