"""Provide audio signals computed from formulas, and audio files written byte by byte."""

import struct

import numpy as np
import pytest


def _chirps(sample_rate_hz: int) -> np.ndarray:
    """One second: silence, then a rising and a falling tone over noise that is a formula too. 16-bit."""
    k = np.arange(sample_rate_hz, dtype=np.int64)
    t = k / sample_rate_hz
    noise = ((1103515245 * k * k + 12345 * k) % 65537) / 65537 - 0.5
    rising = 0.5 * np.sin(2 * np.pi * (200 * t + 1500 * t**2))
    falling = 0.25 * np.sin(2 * np.pi * (0.4 * sample_rate_hz * t - 900 * t**2)) * np.exp(-3 * t)
    x = np.round((rising + falling + 0.02 * noise * (0.2 + t)) * 32768).astype(np.int16)
    x[: sample_rate_hz // 8] = 0
    return x


def _wav(samples: bytes | np.ndarray, rate=16000, channels=1, bits=16, kind=1, claim=None) -> bytes:
    """A WAV file; its header may claim another number of bytes."""
    data = samples if isinstance(samples, bytes) else samples.tobytes()
    size = len(data) if claim is None else claim
    block = channels * bits // 8
    form = struct.pack("<IHHIIHH", 16, kind, channels, rate, rate * block % 2**32, block, bits)
    return (
        b"RIFF" + struct.pack("<I", (36 + size) % 2**32) + b"WAVEfmt " + form + b"data" + struct.pack("<I", size) + data
    )


@pytest.fixture(scope="session")
def chirps():
    return _chirps


@pytest.fixture(scope="session")
def wav():
    return _wav
