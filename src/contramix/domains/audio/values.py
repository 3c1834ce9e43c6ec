"""Convert waveforms, and lists of audio files, to records."""

import os
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Int16
from numpy import ndarray
from torch import Tensor

from contramix.domains.audio.clip_format import AUDIO, CONTENT, ClipFormat
from contramix.domains.audio.decoding import ENDINGS, as_int16, fit_length
from contramix.domains.audio.reading import from_embedded, from_files
from contramix.domains.audio.settings import AudioSettings
from contramix.domains.audio.spec import AudioSpec
from contramix.domains.audio.speech_commands import LabeledFiles
from contramix.errors import InputError, printable
from contramix.io.media.embedded_files import extract_embedded_files, is_embedded_file_type
from contramix.io.media.listing import MediaFiles
from contramix.io.media.media_file import MediaFile, read_file
from contramix.io.options import ReadOptions
from contramix.io.records import Records

_EVERY_ROW = ReadOptions(on_bad_files="fail")


def recognizes_values(values: Any) -> bool:
    """Return whether values can only be audio: a list of paths of audio files, or a table with a column of clips.

    The column must be called ``audio``. Arrays of waveforms are not recognized, as they look like tables of numbers.
    """
    if isinstance(values, pa.Table):
        return AUDIO in values.column_names and (
            is_embedded_file_type(values.schema.field(AUDIO).type) or ClipFormat.of(values) is not None
        )
    return _are_paths(values) and all(os.fsdecode(one).lower().endswith(tuple(ENDINGS)) for one in values)


def from_values(values: Any, settings: AudioSettings, fitted_spec: AudioSpec | None = None) -> Records:
    """Convert Python values to clips, one row per value.

    Parameters
    ----------
    values
        A list of paths of audio files; a table that a reader of this domain returned, or with a column ``audio`` of
        encoded audio files; or waveforms: an array or tensor (n, samples), or a list of 1-D arrays or tensors of any
        lengths, as int16, or as floats in [-1, 1]. Waveforms need ``settings.sample_rate_hz`` or ``fitted_spec``, and
        are not resampled.
    settings
        Sample rate and length. If ``seconds`` is ``"auto"``, all waveforms are padded to the length of the longest.
    fitted_spec
        Specification of a trained model. If given, its sample rate and length replace those of the settings.

    Raises
    ------
    InputError
        If the values are not audio, a file cannot be decoded, or a waveform holds invalid amplitudes.

    Examples
    --------
    >>> reading = from_values(np.zeros((3, 8000), np.int16), AudioSettings(sample_rate_hz=8000))
    >>> reading.table.num_rows, reading.table.column("audio").type.shape
    (3, [8000])
    """
    if isinstance(values, pa.Table):
        if (
            AUDIO in values.column_names
            and ClipFormat.of(values) is None
            and is_embedded_file_type(values.schema.field(AUDIO).type)
        ):
            return from_embedded(
                extract_embedded_files(values, AUDIO, f"column {AUDIO!r}"), _EVERY_ROW, settings, fitted_spec
            )
        CONTENT.select(values)
        return Records(values)
    if _are_paths(values):
        places = [os.fsdecode(one) for one in values]
        files = tuple(
            MediaFile(printable(place), partial(read_file, place), os.path.abspath(place)) for place in places
        )
        return from_files(
            MediaFiles("list of files", files, {}), LabeledFiles(files), _EVERY_ROW, settings, fitted_spec
        )
    rate = fitted_spec.sample_rate_hz if fitted_spec is not None else settings.sample_rate_hz
    if rate == "auto":
        raise InputError("waveforms do not say their sample rate: set audio.sample_rate_hz, such as 16000")
    clips = [_clip(wave, row) for row, wave in enumerate(_waveforms(values))]
    longest = max(map(len, clips))
    samples = longest if settings.seconds == "auto" else max(1, round(settings.seconds * rate))
    clip_format = ClipFormat(rate, samples if fitted_spec is None else fitted_spec.samples)
    held = np.stack([fit_length(clip, clip_format.samples) for clip in clips])
    return Records(clip_format.annotate(pa.table({AUDIO: pa.FixedShapeTensorArray.from_numpy_ndarray(held)})))


def _are_paths(values: Any) -> bool:
    return (
        isinstance(values, list | tuple)
        and len(values) > 0
        and all(isinstance(one, str | bytes | os.PathLike) for one in values)
    )


def _waveforms(values: Any) -> list[ndarray]:
    """Convert an array or tensor (n, samples), or a list of 1-D arrays or tensors, to a list of 1-D NumPy arrays."""
    if isinstance(values, Tensor | ndarray) and values.ndim == 2:
        values = list(values)
    if not isinstance(values, list | tuple) or not values:
        raise InputError("give sounds as an array (n, samples), a list of one-dimensional arrays, or a list of files")
    for row, one in enumerate(values):
        if not isinstance(one, Tensor | ndarray) or one.ndim != 1 or not len(one):
            raise InputError(f"row {row + 1}: a sound is an array of one dimension with at least one sample")
    return [one.detach().cpu().numpy() if isinstance(one, Tensor) else one for one in values]


def _clip(wave: ndarray, row: int) -> Int16[ndarray, " n"]:
    if wave.dtype == np.int16:
        return wave
    if wave.dtype.kind != "f":
        raise InputError(f"row {row + 1}: {wave.dtype} is no waveform: give int16, or floats in [-1, 1]")
    if not np.isfinite(wave).all():
        raise InputError(f"row {row + 1}: the waveform holds NaN or infinite values")
    if np.abs(wave).max() > 1:
        raise InputError(f"row {row + 1}: amplitude {np.abs(wave).max():.4g}: give int16, or floats in [-1, 1]")
    return as_int16(wave.astype(np.float32))
