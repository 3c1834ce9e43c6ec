"""Predict with a blend on raw features and frozen representations, and save and load it without pickle."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Float32
from numpy import ndarray
from pydantic import ValidationError

from contramix.domains import Spec
from contramix.errors import InputError
from contramix.models.fine_tuned import FineTunedModel
from contramix.models.inference import check_finite, device_of, embed
from contramix.models.predictor import Predictor, TargetConfig
from contramix.models.pretrained import Pretrained
from contramix.models.task import Task
from contramix.predictors.blend import REPRESENTATION, Blend, Part, PartKind
from contramix.predictors.domain_features import BLOCKS
from contramix.runtime import atomic_files
from contramix.samples.samples import Samples
from contramix.settings import Settings
from contramix.training import checkpoint

ROWS = 16_384
"""Number of rows whose features are in memory at a time when rows are predicted."""
BLEND_FILE = "blend.safetensors"
"""Name of the file with everything that was learned from labels."""


class _PartConfig(Settings):
    """Describe a part of a blend, as config.json stores it; fields as in :class:`contramix.predictors.blend.Part`."""

    kind: PartKind
    blocks: tuple[str, ...]
    prior: float


class _BlendConfig(TargetConfig):
    """Describe a blend, as config.json stores it under ``predicts``.

    The base class takes ``kind``, ``target``, ``classes``, ``labels`` and ``sha256``.

    Parameters
    ----------
    head
        Always ``"blend"``, which tells it from the head of a fine-tuned model.
    parts
        Parts of the blend.
    encoders
        Number of encoders. The first one is the model in the folder itself, the others are in ``encoder-1`` and so on.
    raw
        Names of the blocks of raw features. The specification of each is in the file ``<name>.spec.json``.
    """

    head: str = "blend"
    parts: tuple[_PartConfig, ...]
    encoders: int
    raw: tuple[str, ...]


@dataclass(kw_only=True)
class BlendModel(Predictor):
    """Predict a target column with models on raw features and on the representations of frozen encoders.

    Further parameters are those of :class:`contramix.models.predictor.Predictor`; they describe the first encoder, with
    which :meth:`embed` computes representations.

    Parameters
    ----------
    others
        Further pre-trained models whose representations the blend uses.
    raw
        Specifications that convert the columns of a table to raw features, by the name of the block.
    blend
        Blend of models, which was learned from labels.
    """

    others: tuple[Pretrained, ...] = ()
    raw: Mapping[str, Spec]
    blend: Blend

    @property
    def task(self) -> Task:
        """Return the task of the model: classification or regression, the target column, and the classes."""
        return self.blend.task

    def _unadjusted_scores(self, table: pa.Table) -> Float[ndarray, " n C"] | Float[ndarray, " n"]:
        found = []
        for start in range(0, max(table.num_rows, 1), ROWS):
            features = compute_blocks([self, *self.others], self.raw, table.slice(start, ROWS))
            found.append(check_finite(self.blend.scores(features), start, "prediction"))
        return np.concatenate(found)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Save the model to a folder.

        It holds the files that :meth:`Pretrained.save` writes for the first encoder, a folder for each other encoder, a
        specification for each block of raw features, and blend.safetensors.

        Raises
        ------
        InputError, RunError
            If the folder cannot be written, or the disk is full.
        """
        place = atomic_files.create_folder(folder)
        for number, other in enumerate(self.others, start=1):
            other.save(place / f"encoder-{number}")
        for name, spec in self.raw.items():
            atomic_files.write(place / f"{name}.spec.json", spec.model_dump_json(indent=1))
        learned = checkpoint.to_bytes(self.blend.tensors(), {})
        atomic_files.write(place / BLEND_FILE, learned)
        config = _BlendConfig(
            **self.target_config(),
            parts=tuple(_PartConfig(**part._asdict()) for part in self.blend.parts),
            encoders=1 + len(self.others),
            raw=tuple(self.raw),
            sha256=hashlib.sha256(learned).hexdigest(),
        )
        self.facts["predicts"] = config.model_dump(mode="json")
        super().save(place)

    @classmethod
    def from_pretrained(cls, model: Pretrained, folder: Path) -> "BlendModel":
        """Load what was learned from labels, and combine it with the first encoder.

        Parameters
        ----------
        model
            Model that :meth:`Pretrained.load` has loaded from the folder.
        folder
            Folder of the saved blend.

        Raises
        ------
        InputError
            If a file is missing or damaged.
        """
        found, path, kind = _BlendConfig.read(model, folder), folder / BLEND_FILE, type(model.spec)
        try:
            data = path.read_bytes()
            raw: dict[str, Spec] = {
                name: kind.model_validate_json((folder / f"{name}.spec.json").read_text(encoding="utf-8"))
                for name in found.raw
            }
        except ValidationError as error:
            raise InputError(f"{folder}: damaged: {error.errors()[0]['msg']}; {checkpoint.REPAIR_HINT}") from error
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{folder}: not a whole model: {error}") from error
        if hashlib.sha256(data).hexdigest() != found.sha256:
            raise InputError(f"{path}: damaged (its checksum is not the one in config.json); {checkpoint.REPAIR_HINT}")
        parts = [Part(part.kind, part.blocks, part.prior) for part in found.parts]
        try:
            blend = Blend.from_tensors(found.task, parts, checkpoint.from_bytes(data, path)[0])
        except KeyError as error:
            raise InputError(f"{path}: lacks {error}; {checkpoint.REPAIR_HINT}") from error
        device = device_of(model.encoder)
        others = tuple(Pretrained.load(folder / f"encoder-{n}", device) for n in range(1, found.encoders))
        known = (model.recipe, model.spec, model.encoder, model.facts)
        return cls(*known, others=others, raw=raw, blend=blend, **found.class_facts)


def load_predictor(model: Pretrained, folder: Path) -> Predictor:
    """Load what a model learned from labels: a blend, or the head of a fine-tuned network.

    Parameters
    ----------
    model
        Model that :meth:`Pretrained.load` has loaded from the folder.
    folder
        Folder of the model.

    Raises
    ------
    InputError
        If the folder holds an encoder only, or a file is missing or damaged.
    """
    predicts = model.facts.get("predicts")
    kind = BlendModel if isinstance(predicts, dict) and predicts.get("head") == "blend" else FineTunedModel
    return kind.from_pretrained(model, folder)


def compute_blocks(
    encoders: Sequence[Pretrained], raw: Mapping[str, Spec], table: pa.Table
) -> dict[str, Float32[ndarray, " n d"]]:
    """Compute the blocks of features of a blend for the rows of a table.

    Parameters
    ----------
    encoders
        Pre-trained models. The representation of the first one becomes the block ``representation.0``, and so on.
    raw
        Specifications that convert columns to raw features, by the name of the block.
    table
        Rows with the columns of the training table.
    """
    samples: list[tuple[Spec, Samples]] = []

    def tensorize(spec: Spec) -> Samples:
        known = [x for other, x in samples if other == spec]
        if not known:
            samples.append((spec, spec.tensorize(table)))
        return known[0] if known else samples[-1][1]

    blocks = {name: BLOCKS[name].compute(spec, tensorize(spec)) for name, spec in raw.items()}
    representations = [check_finite(embed(model.encoder, tensorize(model.spec))) for model in encoders]
    return blocks | {f"{REPRESENTATION}.{n}": z for n, z in enumerate(representations)}
