"""Represent samples with an encoder, batch by batch."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy import ndarray

from contramix.encoders.encoder import Encoder
from contramix.errors import InputError
from contramix.samples.samples import Batch, Samples, inference_batch_size, pad_to_min_rows, sequential_batches

IN_CACHE = 2**19
"""Numbers of a layer that stay in a processor's cache between two layers: 2 MB."""


def embed(encoder: Encoder, x: Samples, batch_size: int | None = None) -> Float32[ndarray, " n d"]:
    """Representations of samples in evaluation mode; the encoder's mode is left as it was."""
    out = np.empty((len(x), encoder.width), np.float32)
    for start, z in embedded(encoder, x, batch_size):
        out[start : start + len(z)] = z
    return out


def embedded(
    encoder: Encoder, x: Samples, batch_size: int | None = None
) -> Iterator[tuple[int, Float32[ndarray, " b d"]]]:
    """The same batch by batch, each with the number of its first row."""
    with evaluating(encoder):
        start = 0
        for batch in batches_of(encoder, x, batch_size):
            z = represented(encoder, batch)
            yield start, z
            start += len(z)


@contextmanager
def evaluating(encoder: Encoder) -> Iterator[None]:
    """Evaluation mode, for a while."""
    was_training = encoder.training
    encoder.eval()
    try:
        yield
    finally:
        encoder.train(was_training)


def batches_of(encoder: Encoder, x: Samples, batch_size: int | None = None) -> Iterator[Batch]:
    """All samples, as many at a time as an encoder's layers leave in a processor's cache."""
    if batch_size is None and device_of(encoder).type == "cpu":
        batch_size = min(inference_batch_size(x), max(256, IN_CACHE // encoder.width))
    return sequential_batches(x, batch_size)


@torch.no_grad()
def represented(encoder: Encoder, batch: Batch) -> Float32[ndarray, " b d"]:
    """The representations of a batch by an encoder in evaluation mode."""
    z = encoder(pad_to_min_rows(batch.to(device_of(encoder))))[: len(batch)].cpu().numpy()
    return np.ascontiguousarray(z, np.float32)


def device_of(encoder: Encoder) -> torch.device:
    """Where an encoder's weights are."""
    return next(encoder.parameters(), torch.empty(0)).device


def finite(z: Float[ndarray, " n *d"], first: int = 0, what: str = "representation") -> Float[ndarray, " n *d"]:
    """The same representations, or predictions.

    Raises
    ------
    InputError
        If one is not finite; rows are counted from ``first``.
    """
    if not np.isfinite(z.sum(dtype=np.float64)):
        row = first + int((~np.isfinite(z).reshape(len(z), -1).all(1)).argmax()) + 1
        raise InputError(f"row {row}: the {what} is not finite; are its values far beyond those of the training rows?")
    return z
