"""Compute features for probes: representations of a frozen or untrained encoder, and raw features."""

import copy
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int
from numpy import ndarray

from contramix.domains import Spec
from contramix.encoders.encoder import Encoder
from contramix.evaluation.problem import PredictionProblem
from contramix.models.building import build_encoder
from contramix.models.inference import check_finite, device_of, embed, embed_batches
from contramix.recipe import Recipe
from contramix.runtime import atomic_files
from contramix.runtime.randomness import Key, seeded
from contramix.samples.samples import Samples
from contramix.training.loop import recalibrate_bn

IN_MEMORY = 1_000_000_000
"""Maximum size in bytes of features that are kept in memory; larger ones are memory-mapped from a temporary file."""


def frozen_features(
    encoder: Encoder, x: Samples, folder: str | os.PathLike[str] | None = None
) -> Float32[ndarray, " n d"]:
    """Compute the representations of samples with an encoder in evaluation mode.

    Representations of more than 1 GB are memory-mapped from an unnamed temporary file. Its disk space is freed when the
    array is deleted or the process ends.

    Parameters
    ----------
    encoder, x
        Encoder, and the samples to represent.
    folder
        Folder of the temporary file; None for the system's temporary folder (``TMPDIR``), which should be on a disk.

    Returns
    -------
    ndarray
        Representations of shape (number of samples, width of the encoder).

    Raises
    ------
    InputError
        If a representation is not finite, or the folder cannot be written to.
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
    """Return a copy of an encoder with BatchNorm statistics recomputed from samples without noise or mixing.

    In training, BatchNorm collects the statistics of noisy and mixed samples. An encoder without BatchNorm is copied
    unchanged. ``x`` are the training samples.
    """
    recalibrated = copy.deepcopy(encoder)
    recalibrate_bn(recalibrated, x.to(device_of(encoder)))
    return recalibrated


def untrained_encoder(recipe: Recipe, spec: Spec, seed: int) -> Encoder:
    """Return a recipe's encoder with the same initial weights that a pre-training run with this seed starts from.

    ``spec`` describes the input data and sets the shape of the encoder's inputs.
    """
    with seeded(Key(seed).at("weights")):
        return build_encoder(recipe.encoder, spec)


def once_per_split(
    compute: Callable[[Int[ndarray, " m"]], Float32[ndarray, " n d"]],
) -> Callable[[PredictionProblem], Float32[ndarray, " n d"]]:
    """Return a function that computes the features of all rows for a problem, once for each split.

    ``compute`` takes the row numbers of all rows outside the test rows, labeled or not, and returns the features.
    """
    computed: dict[int, Float32[ndarray, " n d"]] = {}

    def features(problem: PredictionProblem) -> Float32[ndarray, " n d"]:
        if problem.split not in computed:
            computed[problem.split] = compute(problem.statistics_rows)
        return computed[problem.split]

    return features
