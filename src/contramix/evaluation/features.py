"""Frozen features: computed once, in memory where they are small, else in a temporary file that is read as needed."""

import copy
import os
import tempfile
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from contramix.encoders.encoder import Encoder
from contramix.models.inference import device_of, embed, embedded, finite
from contramix.runtime import atomic_files
from contramix.samples.samples import Samples
from contramix.training.loop import recalibrate_bn

IN_MEMORY = 1_000_000_000
"""Features of more bytes than this lie in a file."""


def frozen_features(
    encoder: Encoder, x: Samples, folder: str | os.PathLike[str] | None = None
) -> Float32[ndarray, " n d"]:
    """Representations of samples in evaluation mode, to be probed.

    Those of more than 1 GB are mapped from a file that has no name: it takes its space as long as the array lives, and
    is gone afterwards, also if the process is killed.

    Parameters
    ----------
    encoder, x
        What to compute them with, and of what.
    folder
        Where the file lies; None: the system's folder for temporary files (``TMPDIR``), which should be on a disk.

    Raises
    ------
    InputError
        If a representation is not finite, or the folder cannot be written.
    RunError
        If it is full.
    """
    size = 4 * len(x) * encoder.width
    if size <= IN_MEMORY:
        return finite(embed(encoder, x))
    place = Path(folder or tempfile.gettempdir())
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            for start, z in embedded(encoder, x):
                file.write(finite(z, start).data)
            file.flush()
            return np.memmap(file, np.float32, "r", shape=(len(x), encoder.width))
    except OSError as error:
        raise atomic_files.unwritable(place, size, error) from error


def recalibrate_batch_norm(encoder: Encoder, x: Samples) -> Encoder:
    """A copy of an encoder whose BatchNorm statistics are computed anew from clean samples.

    Noise and mixing change what BatchNorm sees while training; an encoder without BatchNorm comes back as it was.
    """
    made = copy.deepcopy(encoder)
    recalibrate_bn(made, x.to(device_of(encoder)))
    return made
