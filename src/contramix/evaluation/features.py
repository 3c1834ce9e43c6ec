"""Compute features for probes: representations of a frozen encoder, raw features, and an encoder without training."""

import copy
import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32
from numpy import ndarray

from contramix.domains import Spec
from contramix.encoders.encoder import Encoder
from contramix.models.building import build_encoder
from contramix.models.inference import check_finite, device_of, embed, embed_batches
from contramix.recipe import Recipe
from contramix.runtime import atomic_files
from contramix.runtime.randomness import Key, seeded
from contramix.samples.samples import Samples, sequential_batches
from contramix.training.loop import recalibrate_bn
from contramix.types import get_values

IN_MEMORY = 1_000_000_000
"""Maximum size in bytes of features that are kept in memory; larger ones are mapped from a temporary file."""
MAX_ONE_HOT = 1000
"""Maximum number of one-hot columns of a categorical column; further categories share them."""


def frozen_features(
    encoder: Encoder, x: Samples, folder: str | os.PathLike[str] | None = None
) -> Float32[ndarray, " n d"]:
    """Return representations of samples, computed by an encoder in evaluation mode.

    Representations of more than 1 GB are mapped from a temporary file without a name. It uses disk space as long as the
    array lives, and is gone afterwards, even if the process is killed.

    Parameters
    ----------
    encoder, x
        Encoder, and the samples to represent.
    folder
        Folder of the temporary file; None for the system's folder for temporary files (``TMPDIR``), which should be on
        a disk.

    Raises
    ------
    InputError
        If a representation is not finite, or the folder cannot be written.
    RunError
        If the disk is full.
    """
    size = 4 * len(x) * encoder.width
    if size <= IN_MEMORY:
        return check_finite(embed(encoder, x))
    place = Path(folder or tempfile.gettempdir())
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            for start, z in embed_batches(encoder, x):
                file.write(check_finite(z, start).data)
            file.flush()
            return np.memmap(file, np.float32, "r", shape=(len(x), encoder.width))
    except OSError as error:
        raise atomic_files.unwritable(place, size, error) from error


def recalibrate_batch_norm(encoder: Encoder, x: Samples) -> Encoder:
    """Return a copy of an encoder with BatchNorm statistics recomputed from clean samples.

    Noise and mixing change the statistics that BatchNorm collects in training. The copy of an encoder without BatchNorm
    equals the encoder.
    """
    recalibrated = copy.deepcopy(encoder)
    recalibrate_bn(recalibrated, x.to(device_of(encoder)))
    return recalibrated


def untrained_encoder(recipe: Recipe, spec: Spec, seed: int) -> Encoder:
    """Return the encoder of a recipe with the weights that a run of this seed begins with."""
    with seeded(Key(seed).at("weights")):
        return build_encoder(recipe.encoder, spec)


def raw_features(spec: Spec, x: Samples) -> Float32[ndarray, " n d"]:
    """Return the features that a model without an encoder is given.

    They are the domain's own features where it has some, else the encoder's inputs as flat vectors, with categories
    one-hot encoded.
    """
    own = spec.features(x)
    if own is not None:
        return own
    codes, front = dict(spec.inputs().codes), spec.frontend()
    inputs = torch.cat([get_values(front(batch)).flatten(1) for batch in sequential_batches(x)])
    columns = [inputs.numpy()[:, [i for i in range(inputs.shape[1]) if i not in codes]]] if codes else [inputs.numpy()]
    for element, levels in codes.items():
        code = inputs[:, element].long() % MAX_ONE_HOT
        columns.append(torch.nn.functional.one_hot(code, min(levels, MAX_ONE_HOT)).float().numpy())
    return np.concatenate(columns, 1)
