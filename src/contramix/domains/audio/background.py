"""Encode background noise of a data set for storage in a specification: mel powers, one byte each."""

import base64
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int16
from numpy import ndarray
from torch import Tensor

from contramix.domains.audio.logmel import AMIN, Window, mel_matrix, power, spectra

MAX_FRAMES = 2048
"""Maximum number of frames of all noise together: about a minute, 64 kB."""
_LOW_DB, _HIGH_DB = -100.0, 40.0


def mel_powers(
    x: Int16[ndarray, " samples"], sample_rate_hz: int, window: Window, mels: int
) -> Float[Tensor, " frames mels"]:
    """Compute the mel power spectrogram of one waveform, with samples scaled to [-1, 1) and ``mels`` mel bands."""
    hann = torch.hann_window(window.n_fft, dtype=torch.float64).float()
    spectrum = spectra(torch.from_numpy(x).float()[None] / 32768, hann, window.hop)
    return power(spectrum)[0] @ mel_matrix(sample_rate_hz, window.n_fft, mels).T


def pack(powers: Sequence[Float[Tensor, " _ mels"]]) -> str:
    """Encode the mel powers of one or more noise recordings as base64 text, with one byte per value.

    Powers are stored in decibels from -100 to 40, where 0 dB is a power of 1, with a resolution of about half a
    decibel. Recordings are concatenated. Each of n recordings is first truncated to ``MAX_FRAMES // n`` frames.

    Examples
    --------
    >>> unpack(pack([torch.tensor([[1.0, 0.01]])]), mels=2)
    tensor([[0.9821, 0.0104]])
    """
    each = MAX_FRAMES // max(1, len(powers))
    chosen = torch.cat([one[:each] for one in powers])
    decibels = 10 * torch.log10(chosen.clamp(min=AMIN))
    steps = ((decibels - _LOW_DB) / (_HIGH_DB - _LOW_DB) * 255).round().clamp(0, 255).to(torch.uint8)
    return base64.b64encode(steps.numpy().tobytes()).decode()


def unpack(text: str, mels: int) -> Float[Tensor, " frames mels"]:
    """Decode the text that :func:`pack` returns to the mel powers of the concatenated noise recordings.

    ``mels`` is the number of mel bands.

    Raises
    ------
    ValueError
        If the text is not base64, or its length is not a multiple of ``mels``.
    """
    steps = np.frombuffer(base64.b64decode(text, validate=True), np.uint8).reshape(-1, mels)
    decibels = torch.from_numpy(steps.astype(np.float32)) / 255 * (_HIGH_DB - _LOW_DB) + _LOW_DB
    return 10 ** (decibels / 10)
