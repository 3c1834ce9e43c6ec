"""Compute representations of samples with an encoder, batch by batch."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy import ndarray

from contramix.encoders.encoder import Encoder
from contramix.errors import InputError
from contramix.samples.samples import Batch, Samples, inference_batch_size, pad_to_min_rows, sequential_batches

CACHE_NUMBERS = 2**19
"""Maximum number of activations of a layer that stay in a CPU's cache until the next layer reads them (2 MB)."""


def embed(encoder: Encoder, x: Samples, batch_size: int | None = None) -> Float32[ndarray, " n d"]:
    """Compute the representations of samples as an array of shape (n, d). The encoder runs in evaluation mode.

    Parameters
    ----------
    encoder
        Encoder on any device.
    x
        Samples, on any device.
    batch_size
        Number of samples in a batch; None: chosen automatically, from 32 for large samples to 8,192 for small ones.
    """
    out = np.empty((len(x), encoder.width), np.float32)
    for start, z in embed_batches(encoder, x, batch_size):
        out[start : start + len(z)] = z
    return out


def embed_batches(
    encoder: Encoder, x: Samples, batch_size: int | None = None
) -> Iterator[tuple[int, Float32[ndarray, " b d"]]]:
    """Compute representations batch by batch; yield the row number of a batch's first sample, and an array (b, d).

    The encoder runs in evaluation mode. If ``batch_size`` is None, it is chosen automatically.
    """
    with evaluation_mode(encoder):
        start = 0
        for batch in inference_batches(encoder, x, batch_size):
            z = embed_batch(encoder, batch)
            yield start, z
            start += len(z)


@contextmanager
def evaluation_mode(encoder: Encoder) -> Iterator[None]:
    """Put an encoder into evaluation mode within a ``with`` block.

    Afterwards, the encoder and all its submodules are put into the mode that the encoder had before.
    """
    was_training = encoder.training
    encoder.eval()
    try:
        yield
    finally:
        encoder.train(was_training)


def inference_batches(encoder: Encoder, x: Samples, batch_size: int | None = None) -> Iterator[Batch]:
    """Yield the samples, in order, in batches for inference with an encoder.

    If ``batch_size`` is None, the size ranges from 32 for large samples to 8,192 for small ones. On CPUs, batches are
    smaller if representations are wide, because the activations of a layer should fit into the CPU cache.
    """
    if batch_size is None and device_of(encoder).type == "cpu":
        batch_size = min(inference_batch_size(x), max(256, CACHE_NUMBERS // encoder.width))
    return sequential_batches(x, batch_size)


@torch.no_grad()
def embed_batch(encoder: Encoder, batch: Batch) -> Float32[ndarray, " b d"]:
    """Compute the representations of a batch of samples with an encoder that is in evaluation mode already."""
    z = encoder(pad_to_min_rows(batch.to(device_of(encoder))))[: len(batch)].cpu().numpy()
    return np.ascontiguousarray(z, np.float32)


def device_of(encoder: Encoder) -> torch.device:
    """Return the device of an encoder's weights, or the CPU for an encoder without weights."""
    return next(encoder.parameters(), torch.empty(0)).device


def check_finite(z: Float[ndarray, " n *d"], first: int = 0, what: str = "representation") -> Float[ndarray, " n *d"]:
    """Check that representations or predictions are finite, and return them unchanged.

    Parameters
    ----------
    z
        Values to check, one row for each record.
    first
        Row number, from 0, of the first row of ``z`` in the whole data. The error message names the row in the data.
    what
        Name of the values in the error message, such as ``"prediction"``.

    Raises
    ------
    InputError
        If a value is infinite or NaN.
    """
    if not np.isfinite(z.sum(dtype=np.float64)):
        row = first + int((~np.isfinite(z).reshape(len(z), -1).all(1)).argmax()) + 1
        raise InputError(f"row {row}: the {what} is not finite; are its values far beyond those of the training rows?")
    return z
