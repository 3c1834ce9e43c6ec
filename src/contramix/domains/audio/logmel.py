"""From waveforms to log-mel pictures: short-time Fourier transform, mel bands, decibels below each clip's loudest."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Complex, Float
from torch import Tensor

AMIN = 1e-10
"""Power below which nothing is told apart; librosa's ``amin``."""


class Window(NamedTuple):
    """The sizes of a short-time Fourier transform, in samples."""

    n_fft: int
    hop: int

    def frames(self, samples: int) -> int:
        """How many frames a clip has: one around its first sample, one more every hop."""
        return 1 + samples // self.hop


def spectra(
    x: Float[Tensor, " B samples"], hann: Float[Tensor, " n_fft"], hop: int
) -> Complex[Tensor, " B frames bins"]:
    """Short-time spectra of frames centred on every hop-th sample, zeros beyond the ends (librosa's default)."""
    n_fft = len(hann)
    if len(x) == 0:  # which torch.stft refuses
        return torch.zeros(0, Window(n_fft, hop).frames(x.shape[1]), n_fft // 2 + 1, device=x.device) + 0j
    return torch.stft(x, n_fft, hop, window=hann, center=True, pad_mode="constant", return_complex=True).mT


def power(spectrum: Complex[Tensor, " *s"]) -> Float[Tensor, " *s"]:
    """Squared magnitudes."""
    return torch.addcmul(spectrum.real.square(), spectrum.imag, spectrum.imag)


def decibels(mel: Float[Tensor, " B frames mels"], top_db: float) -> Float[Tensor, " B frames mels"]:
    """Powers in decibels below each clip's largest, at most ``top_db`` of them: values in [-top_db, 0].

    NOTE[DIFF]: a silent clip, one whose largest power is no more than 1e-10, is -top_db everywhere. librosa's
    ``power_to_db(ref=max)``, and i-Mix with it, gives 0 everywhere: silence would look like the loudest of sounds.

    Examples
    --------
    >>> decibels(torch.tensor([[[1.0, 0.1], [100.0, 0.0]]]), top_db=80.0)
    tensor([[[-20., -30.],
             [  0., -80.]]])
    """
    loudest = mel.amax((1, 2), keepdim=True)
    below = 10 * (torch.log10(mel.clamp(min=AMIN)) - torch.log10(loudest.clamp(min=AMIN)))
    return torch.where(loudest > AMIN, below.clamp(min=-top_db), -top_db)


def picture(mel: Float[Tensor, " B frames mels"], top_db: float) -> Float[Tensor, " B 1 mels frames"]:
    """Mel powers as a picture in [0, 1], one channel: 1 is the clip's loudest, 0 is ``top_db`` or more below it."""
    return (1 + decibels(mel, top_db) / top_db).mT[:, None]


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
