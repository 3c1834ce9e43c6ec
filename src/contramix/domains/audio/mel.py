"""The mel scale: how strongly each frequency of a spectrum counts for each band of hearing."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

# Slaney's scale (Auditory Toolbox, 1998): linear up to 1 kHz with 15 mels, then 27 mels for each factor of 6.4.
_LINEAR_HZ = 200 / 3
_KNEE_HZ = 1000.0
_KNEE_MEL = _KNEE_HZ / _LINEAR_HZ
_LOG_STEP = math.log(6.4) / 27


def mel_of(hz: float) -> float:
    """A frequency in hertz on Slaney's mel scale."""
    return hz / _LINEAR_HZ if hz < _KNEE_HZ else _KNEE_MEL + math.log(hz / _KNEE_HZ) / _LOG_STEP


def hz_of(mel: Float[Tensor, " k"]) -> Float[Tensor, " k"]:
    """Frequencies in hertz of values on Slaney's mel scale."""
    return torch.where(mel < _KNEE_MEL, mel * _LINEAR_HZ, _KNEE_HZ * torch.exp((mel - _KNEE_MEL) * _LOG_STEP))


def mel_matrix(sample_rate_hz: int, n_fft: int, mels: int) -> Float[Tensor, " mels bins"]:
    """Triangular bands, evenly spaced in mel from 0 Hz to half the sample rate, each of area 1 over frequency.

    Parameters
    ----------
    sample_rate_hz, n_fft
        Of the spectrum; it has ``n_fft // 2 + 1`` bins.
    mels
        Number of bands.

    Returns
    -------
    Tensor
        What a power spectrum is multiplied with. Where bins are too wide for the lowest bands, those are all zero.

    Examples
    --------
    >>> mel_matrix(16000, 2048, mels=32).shape
    torch.Size([32, 1025])
    """
    bins = torch.linspace(0, sample_rate_hz / 2, n_fft // 2 + 1, dtype=torch.float64)
    edges = hz_of(torch.linspace(0, mel_of(sample_rate_hz / 2), mels + 2, dtype=torch.float64))
    low, peak, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangle = torch.minimum((bins - low) / (peak - low), (high - bins) / (high - peak)).clamp(min=0)
    return (triangle * 2 / (high - low)).float()
