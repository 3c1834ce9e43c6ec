"""From an audio file's bytes to a clip of one rate, one length and one channel."""

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
    | {".m4a", ".aac", ".wma"}  # not decoded here, but named as what cannot be read
)
"""Endings of files that are taken for sounds."""
RATES_HZ = (100, 1_000_000)
"""Rates outside these are a broken header's."""
WHOLE = 0.99
"""A file that holds less than this share of what its header says is truncated."""
_UNKNOWN_BYTES = 0x7FFF0000
"""Recorders that write to a pipe cannot know the length; they write this much or more."""
_MARGIN_SECONDS = 0.05
"""Read beyond the clip's end, for the resampling filter."""


class AudioHeader(NamedTuple):
    """What a file says of itself."""

    sample_rate_hz: int
    frames: int
    channels: int

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.frames / self.sample_rate_hz


@dataclass
class Tally:
    """Counts what was done to files while several threads decode them."""

    counts: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def add(self, *facts: str) -> None:
        """Count one of each."""
        with self._lock:
            self.counts.update(facts)


def read_header(data: bytes) -> AudioHeader:
    """Read a file's header only.

    Raises
    ------
    UnreadableFileError
        It is not audio, or says something that cannot be.
    """
    with _opened(data) as file:
        return _checked(file, data)


def waveform(
    data: bytes, sample_rate_hz: int, at_most: int, tally: Tally | None = None
) -> Float32[ndarray, " samples"]:
    """The start of a file, channels averaged, at a rate.

    Parameters
    ----------
    data
        A whole file: WAV, FLAC, Ogg, Opus, MP3, AIFF and others of libsndfile's.
    sample_rate_hz
        Other rates are resampled.
    at_most
        Samples; no more of the file than they need is decoded.
    tally
        Counts what was done.

    Raises
    ------
    UnreadableFileError
        It is no audio, truncated, empty, or holds what is no number.
    InputError
        soundfile or soxr is not installed.
    """
    facts: list[str] = []
    with _opened(data) as file:
        said = _checked(file, data)
        needed = at_most
        if said.sample_rate_hz != sample_rate_hz:
            needed = ceil((at_most / sample_rate_hz + _MARGIN_SECONDS) * said.sample_rate_hz)
            facts.append("resampled")
        wanted = min(needed, said.frames)
        try:
            x = file.read(wanted, dtype="float32", always_2d=True)
        except RuntimeError as error:
            raise UnreadableFileError(f"damaged ({_said(error)})") from None
    if len(x) < WHOLE * wanted:
        raise UnreadableFileError(f"truncated: {len(x):,} of {wanted:,} frames")
    if not np.isfinite(x).all():
        raise UnreadableFileError(f"{np.count_nonzero(~np.isfinite(x)):,} of {x.size:,} samples are not numbers")
    if said.channels > 1:
        facts.append("averaged")
    if np.abs(x).max() > 1:
        facts.append("clipped")
        x = x.clip(-1, 1)
    mono = x.mean(1, dtype=np.float32)
    if said.sample_rate_hz != sample_rate_hz:
        mono = resampled(mono, said.sample_rate_hz, sample_rate_hz)
    if len(mono) > at_most or said.frames > needed:
        facts.append("cut")
    elif len(mono) < at_most:
        facts.append("padded")
    if not mono.any():
        facts.append("silent")
    if tally is not None:
        tally.add(*facts)
    return np.asarray(mono[:at_most])


def decode(data: bytes, sample_rate_hz: int, samples: int, tally: Tally | None = None) -> Int16[ndarray, " samples"]:
    """A clip of fixed length: the start of a longer file, silence behind a shorter one.

    Raises
    ------
    UnreadableFileError, InputError
        As for :func:`waveform`.
    """
    return fixed(as_int16(waveform(data, sample_rate_hz, samples, tally)), samples)


def as_int16(x: Float32[ndarray, " *s"]) -> Int16[ndarray, " *s"]:
    """Amplitudes in [-1, 1] as whole numbers; 16-bit files come back as they were."""
    return np.asarray(np.round(x * np.float32(32768)).clip(-32768, 32767).astype(np.int16))


def fixed(x: Int16[ndarray, " n"], samples: int) -> Int16[ndarray, " samples"]:
    """The first samples, with zeros behind where there are too few."""
    return np.pad(x[:samples], (0, max(0, samples - len(x))))


def resampled(x: Float32[ndarray, " n"], rate_hz: int, to_hz: int) -> Float32[ndarray, " m"]:
    """A waveform at another rate, by soxr's high-quality filter.

    Raises
    ------
    InputError
        soxr is not installed.
    """
    return np.asarray(_imported("soxr").resample(x, rate_hz, to_hz, quality="HQ"))


def _opened(data: bytes) -> Any:
    """A file as libsndfile sees it."""
    if not data:
        raise UnreadableFileError("0 bytes")
    soundfile = _imported("soundfile")
    try:
        return soundfile.SoundFile(BytesIO(data))
    except RuntimeError as error:
        raise UnreadableFileError(_not_audio(data, _said(error))) from None


def _checked(file: Any, data: bytes) -> AudioHeader:
    found = AudioHeader(file.samplerate, file.frames, file.channels)
    low, high = RATES_HZ
    if not low <= found.sample_rate_hz <= high:
        raise UnreadableFileError(f"sample rate {found.sample_rate_hz:,} Hz")
    if found.frames == 0:
        raise UnreadableFileError("0 samples")
    claimed, there = _sizes(data)
    if there < WHOLE * claimed:
        raise UnreadableFileError(f"truncated: {found.frames:,} of {found.frames * claimed // max(there, 1):,} frames")
    return found


def _sizes(data: bytes) -> tuple[int, int]:
    """Bytes of samples that a WAV or AIFF file says it has, and those that are there.

    libsndfile takes a shorter file for what it is. A length that the recorder could not know is (0, 0).
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


def _not_audio(data: bytes, said: str) -> str:
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return "not audio: begins like HTML"
    if data[4:8] == b"ftyp" or start.startswith(b"\x30\x26\xb2\x75"):
        return "MP4, AAC and WMA are not read: convert it to FLAC or WAV"
    if all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in data[:64]):
        return "not audio: begins like text"
    if "SF_INFO" in said:
        return "not audio that can be read (its sample rate is 0 or absurd)"
    return f"not audio that can be read ({said})"


def _said(error: Exception) -> str:
    """libsndfile's reason without its address of the file."""
    return str(error).rpartition(">: ")[2].removeprefix("Error : ").rstrip(". \n")


def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except (ImportError, OSError):
        raise InputError(f"reading audio needs {name}: pip install 'contramix[audio]'") from None


def decoder(sample_rate_hz: int, samples: int, tally: Tally | None = None) -> "partial[ndarray]":
    """:func:`decode` for clips of one form."""
    return partial(decode, sample_rate_hz=sample_rate_hz, samples=samples, tally=tally)
