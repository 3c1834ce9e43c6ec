"""Decode audio files to clips of one sample rate, one length and one channel."""

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from io import BytesIO
from math import ceil
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Int16
from numpy import ndarray

from contramix.errors import InputError
from contramix.io.media.media_file import UnreadableFileError

ENDINGS = frozenset(
    {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd", ".w64", ".rf64", ".caf"}
    | {".m4a", ".aac", ".wma"}  # not decoded, but reported as files that cannot be read
)
"""Endings of audio files."""
RATES_HZ = (100, 1_000_000)
"""Minimum and maximum sample rate; others are due to a damaged header."""
MIN_SHARE = 0.99
"""Minimum share of the declared samples that a file must hold; with less it is truncated."""
_UNKNOWN_BYTES = 0x7FFF0000
"""Minimum size that is declared if the length is unknown, as when a recorder writes to a pipe."""
_MARGIN_SECONDS = 0.05
"""Time that is read beyond the end of a clip, for the resampling filter."""


class AudioHeader(NamedTuple):
    """Hold what the header of an audio file declares: sample rate, samples per channel, and number of channels."""

    sample_rate_hz: int
    frames: int
    channels: int

    @property
    def seconds(self) -> float:
        """Return the length of the audio in seconds."""
        return self.frames / self.sample_rate_hz


@dataclass
class Tally:
    """Count in how many files each conversion was needed, such as resampling. Several threads can share one tally.

    Attributes
    ----------
    counts
        Number of files by conversion: ``resampled``, ``averaged`` (channels), ``clipped``, ``cut`` (truncated) and
        ``padded``. The key ``silent`` counts files in which all samples are 0.
    """

    counts: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def add(self, *facts: str) -> None:
        """Add one file to the counts of the conversions named in ``facts``, such as ``"resampled"``."""
        with self._lock:
            self.counts.update(facts)


def read_header(data: bytes) -> AudioHeader:
    """Read the header of an audio file, given all bytes of the file.

    Raises
    ------
    UnreadableFileError
        If it is not audio, has no samples, has fewer samples than its header declares, or has a sample rate below 100
        Hz or above 1 MHz.
    InputError
        If soundfile is not installed.
    """
    with _opened(data) as file:
        return _checked_header(file, data)


def waveform(
    data: bytes, sample_rate_hz: int, at_most: int, tally: Tally | None = None
) -> Float32[ndarray, " samples"]:
    """Decode the start of an audio file, average its channels, and resample it.

    Parameters
    ----------
    data
        The bytes of the complete file: WAV, FLAC, Ogg, Opus, MP3, AIFF, or another format of libsndfile.
    sample_rate_hz
        Sample rate of the result.
    at_most
        Maximum number of samples of the result; no more of the file is decoded than needed. The result of a shorter
        file is shorter.
    tally
        Tally to which the conversions of this file are added; None if they need not be counted.

    Raises
    ------
    UnreadableFileError
        If it is not audio, truncated, empty, or holds NaN or infinite samples.
    InputError
        If soundfile or soxr is not installed.
    """
    facts: list[str] = []
    with _opened(data) as file:
        header = _checked_header(file, data)
        needed = at_most
        if header.sample_rate_hz != sample_rate_hz:
            needed = ceil((at_most / sample_rate_hz + _MARGIN_SECONDS) * header.sample_rate_hz)
            facts.append("resampled")
        wanted = min(needed, header.frames)
        try:
            x = file.read(wanted, dtype="float32", always_2d=True)
        except RuntimeError as error:
            raise UnreadableFileError(f"damaged ({_message(error)})") from None
    if len(x) < MIN_SHARE * wanted:
        raise UnreadableFileError(f"truncated: {len(x):,} of {wanted:,} frames")
    if not np.isfinite(x).all():
        raise UnreadableFileError(f"{np.count_nonzero(~np.isfinite(x)):,} of {x.size:,} samples are not numbers")
    if header.channels > 1:
        facts.append("averaged")
    if np.abs(x).max() > 1:
        facts.append("clipped")
        x = x.clip(-1, 1)
    mono = x.mean(1, dtype=np.float32)
    if header.sample_rate_hz != sample_rate_hz:
        mono = resample(mono, header.sample_rate_hz, sample_rate_hz)
    if len(mono) > at_most or header.frames > needed:
        facts.append("cut")
    elif len(mono) < at_most:
        facts.append("padded")
    if not mono.any():
        facts.append("silent")
    if tally is not None:
        tally.add(*facts)
    return np.asarray(mono[:at_most])


def decode(data: bytes, sample_rate_hz: int, samples: int, tally: Tally | None = None) -> Int16[ndarray, " samples"]:
    """Decode an audio file to ``samples`` samples: truncate a longer file, and pad a shorter one with silence.

    The parameters and errors are those of :func:`waveform`, with ``samples`` in place of ``at_most``.
    """
    return fit_length(as_int16(waveform(data, sample_rate_hz, samples, tally)), samples)


def as_int16(x: Float32[ndarray, " *s"]) -> Int16[ndarray, " *s"]:
    """Convert amplitudes in [-1, 1] to int16. Samples of a decoded 16-bit file get their exact values back."""
    return np.asarray(np.round(x * np.float32(32768)).clip(-32768, 32767).astype(np.int16))


def fit_length(x: Int16[ndarray, " n"], samples: int) -> Int16[ndarray, " samples"]:
    """Truncate a clip to ``samples`` samples, or append zeros up to this length."""
    return np.pad(x[:samples], (0, max(0, samples - len(x))))


def resample(x: Float32[ndarray, " n"], rate_hz: int, to_hz: int) -> Float32[ndarray, " m"]:
    """Resample a waveform from the rate ``rate_hz`` to the rate ``to_hz`` with soxr's high-quality filter.

    Raises
    ------
    InputError
        If soxr is not installed.
    """
    return np.asarray(_imported("soxr").resample(x, rate_hz, to_hz, quality="HQ"))


def _opened(data: bytes) -> Any:
    """Open the bytes of an audio file, and return them as a ``soundfile.SoundFile``.

    Raises
    ------
    UnreadableFileError
        If libsndfile cannot open it.
    """
    if not data:
        raise UnreadableFileError("0 bytes")
    soundfile = _imported("soundfile")
    try:
        return soundfile.SoundFile(BytesIO(data))
    except RuntimeError as error:
        raise UnreadableFileError(_not_audio(data, _message(error))) from None


def _checked_header(file: Any, data: bytes) -> AudioHeader:
    found = AudioHeader(file.samplerate, file.frames, file.channels)
    low, high = RATES_HZ
    if not low <= found.sample_rate_hz <= high:
        raise UnreadableFileError(f"sample rate {found.sample_rate_hz:,} Hz")
    if found.frames == 0:
        raise UnreadableFileError("0 samples")
    declared, actual = _sizes(data)
    if actual < MIN_SHARE * declared:
        raise UnreadableFileError(
            f"truncated: {found.frames:,} of {found.frames * declared // max(actual, 1):,} frames"
        )
    return found


def _sizes(data: bytes) -> tuple[int, int]:
    """Return how many bytes of samples the header of a WAV or AIFF file declares, and how many bytes the file holds.

    The second number is smaller if the file is truncated, which libsndfile does not report. The result is (0, 0) for
    other formats, and for files whose header declares an unknown length, such as recordings that were written to a
    pipe.
    """
    little, samples = data[:4] == b"RIFF", b"data" if data[:4] == b"RIFF" else b"SSND"
    if not little and data[:4] != b"FORM":
        return 0, 0
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little" if little else "big")
        if data[at : at + 4] == samples:
            return (0, 0) if size >= _UNKNOWN_BYTES else (size, min(size, len(data) - at - 8))
        at += 8 + size + size % 2
    return 0, 0


def _not_audio(data: bytes, header: str) -> str:
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return "not audio: begins like HTML"
    if data[4:8] == b"ftyp" or start.startswith(b"\x30\x26\xb2\x75"):
        return "MP4, AAC and WMA are not read: convert it to FLAC or WAV"
    if all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in data[:64]):
        return "not audio: begins like text"
    if "SF_INFO" in header:
        return "not audio that can be read (its sample rate is 0 or absurd)"
    return f"not audio that can be read ({header})"


def _message(error: Exception) -> str:
    """Return the message of an error of soundfile without its prefix, which contains a memory address."""
    return str(error).rpartition(">: ")[2].removeprefix("Error : ").rstrip(". \n")


def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except (ImportError, OSError):
        raise InputError(f"reading audio needs {name}: pip install 'contramix[audio]'") from None


def decoder(sample_rate_hz: int, samples: int, tally: Tally | None = None) -> "partial[ndarray]":
    """Return a function that calls :func:`decode` on the bytes of an audio file with these arguments."""
    return partial(decode, sample_rate_hz=sample_rate_hz, samples=samples, tally=tally)
