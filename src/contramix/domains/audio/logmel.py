"""Compute log-mel spectrograms: short-time Fourier transform, mel bands, decibels below each clip's maximum."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Complex, Float
from torch import Tensor

AMIN = 1e-10
"""Minimum power; lower ones count as this one. It is ``amin`` of librosa."""


class Window(NamedTuple):
    """Hold the frame length and the hop length of a short-time Fourier transform, in samples."""

    n_fft: int
    hop: int

    def frames(self, samples: int) -> int:
        """Return the number of frames of a clip of ``samples`` samples: 1 + ``samples // hop``."""
        return 1 + samples // self.hop


def spectra(
    x: Float[Tensor, " B samples"], hann: Float[Tensor, " n_fft"], hop: int
) -> Complex[Tensor, " B frames bins"]:
    """Compute the complex spectra of frames that are centered on every hop-th sample, after zero padding at both ends.

    The result is that of librosa's ``stft`` with default padding; ``hann`` is the window that frames are multiplied by.
    """
    n_fft = len(hann)
    if len(x) == 0:  # which torch.stft refuses
        return torch.zeros(0, Window(n_fft, hop).frames(x.shape[1]), n_fft // 2 + 1, device=x.device) + 0j
    return torch.stft(x, n_fft, hop, window=hann, center=True, pad_mode="constant", return_complex=True).mT


def power(spectrum: Complex[Tensor, " *s"]) -> Float[Tensor, " *s"]:
    """Return the power of a spectrum: the squared magnitude of each element."""
    return torch.addcmul(spectrum.real.square(), spectrum.imag, spectrum.imag)


def decibels(mel: Float[Tensor, " B frames mels"], top_db: float) -> Float[Tensor, " B frames mels"]:
    """Convert powers to decibels relative to each clip's maximum, clipped to [-top_db, 0].

    NOTE[DIFF]: a silent clip, one whose largest power is no more than 1e-10, is -top_db everywhere. librosa's
    ``power_to_db(ref=max)``, and i-Mix with it, returns 0 everywhere for such a clip.

    Examples
    --------
    >>> decibels(torch.tensor([[[1.0, 0.1], [100.0, 0.0]]]), top_db=80.0)
    tensor([[[-20., -30.],
             [  0., -80.]]])
    """
    loudest = mel.amax((1, 2), keepdim=True)
    below = 10 * (torch.log10(mel.clamp(min=AMIN)) - torch.log10(loudest.clamp(min=AMIN)))
    return torch.where(loudest > AMIN, below.clamp(min=-top_db), -top_db)


def scaled_spectrogram(mel: Float[Tensor, " B frames mels"], top_db: float) -> Float[Tensor, " B 1 mels frames"]:
    """Convert mel powers to decibels scaled to [0, 1], as images of one channel.

    1 is the maximum of the clip, and 0 is ``top_db`` decibels or more below it.
    """
    return (1 + decibels(mel, top_db) / top_db).mT[:, None]


# Slaney's scale (Auditory Toolbox, 1998): linear up to 1 kHz with 15 mels, then 27 mels for each factor of 6.4.
_LINEAR_HZ = 200 / 3
_KNEE_HZ = 1000.0
_KNEE_MEL = _KNEE_HZ / _LINEAR_HZ
_LOG_STEP = math.log(6.4) / 27


def mel_of(hz: float) -> float:
    """Convert a frequency in hertz to Slaney's mel scale."""
    return hz / _LINEAR_HZ if hz < _KNEE_HZ else _KNEE_MEL + math.log(hz / _KNEE_HZ) / _LOG_STEP


def hz_of(mel: Float[Tensor, " k"]) -> Float[Tensor, " k"]:
    """Convert values on Slaney's mel scale to frequencies in hertz."""
    return torch.where(mel < _KNEE_MEL, mel * _LINEAR_HZ, _KNEE_HZ * torch.exp((mel - _KNEE_MEL) * _LOG_STEP))


def mel_matrix(sample_rate_hz: int, n_fft: int, mels: int) -> Float[Tensor, " mels bins"]:
    """Return the matrix of triangular mel filters, evenly spaced on the mel scale from 0 Hz to half the sample rate.

    Each filter has area 1 over the frequency in hertz, as librosa's default.

    Parameters
    ----------
    sample_rate_hz, n_fft
        Sample rate and frame length of the spectrum, which has ``n_fft // 2 + 1`` bins.
    mels
        Number of bands.

    Returns
    -------
    Tensor
        The matrix that power spectra are multiplied by. Rows of bands that contain no frequency bin are zero.

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
