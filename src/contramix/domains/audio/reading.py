"""Read audio from folders, archives, single files, and tables with a column of encoded clips."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
from numpy import ndarray

from contramix.domains.audio.background import MAX_FRAMES, mel_powers, pack
from contramix.domains.audio.clip_format import AUDIO, ClipFormat, choose_format
from contramix.domains.audio.decoding import ENDINGS, Tally, as_int16, decoder, waveform
from contramix.domains.audio.settings import AudioSettings
from contramix.domains.audio.spec import AudioSpec
from contramix.domains.audio.speech_commands import TEN, LabeledFiles, infer_labels, ten_words
from contramix.domains.splits import ordered_splits
from contramix.errors import InputError, printable
from contramix.io.media.embedded_files import EmbeddedFiles, list_table_files, read_embedded_files
from contramix.io.media.listing import MediaFiles, list_media_files
from contramix.io.media.media_file import MediaFile, UnreadableFileError
from contramix.io.media.parallel_decoding import IN_MEMORY_BYTES, decode_all, map_files
from contramix.io.media.record_table import build_record_table
from contramix.io.options import ReadOptions
from contramix.io.records import FILE, LABEL, SPLIT, Records

COLUMNS = (AUDIO, "sound", "speech", "wav", "flac", "bytes")
"""Usual names of a column of encoded clips."""
_CONVERSIONS = {
    "resampled": "of another sample rate: resampled",
    "averaged": "with several channels: averaged to one",
    "padded": "shorter: padded with silence",
    "cut": "longer: truncated",
    "clipped": "louder than full scale: clipped",
    "silent": "all silent",
}


def read(
    path: str | os.PathLike[str],
    options: ReadOptions,
    settings: AudioSettings,
    fitted_spec: AudioSpec | None = None,
    *,
    in_memory_bytes: int = IN_MEMORY_BYTES,
) -> Records:
    """Read clips as rows of a table with the columns ``audio`` and ``file``.

    If the data provide them, the table also has the columns ``label``, ``part`` (the official split of each clip) and
    ``speaker``.

    Parameters
    ----------
    path
        A folder or an archive of audio files, one such file, or Parquet or Arrow files with a column of encoded clips.
        Official layouts are described by :func:`contramix.domains.audio.speech_commands.infer_labels`.
    options
        How files are read; ``on_bad_files`` applies to files that cannot be decoded.
    settings
        Sample rate and length of the clips.
    fitted_spec
        Specification of a trained model. If given, its sample rate and length replace those of the settings.
    in_memory_bytes
        Maximum size of all decoded clips in bytes. If it is exceeded, the table refers to the encoded files, and clips
        are decoded on every access.

    Raises
    ------
    InputError
        If there is no audio, or none that can be read, or soundfile or soxr is not installed.
    """
    cells = read_embedded_files(path, COLUMNS) if list_table_files(path) else None
    if cells is not None:
        return from_embedded(cells, options, settings, fitted_spec, in_memory_bytes)
    found = list_media_files(path, ENDINGS)
    labeled = infer_labels(found)
    if not labeled.files and not found.bad_files:
        raise InputError(f"{found.source}: holds background noise only")
    if settings.words == "ten" and (fitted_spec is None or TEN & set(labeled.labels or ())):
        labeled = ten_words(labeled)
    return from_files(found, labeled, options, settings, fitted_spec, in_memory_bytes)


def from_embedded(
    cells: EmbeddedFiles,
    options: ReadOptions,
    settings: AudioSettings,
    fitted_spec: AudioSpec | None = None,
    in_memory_bytes: int = IN_MEMORY_BYTES,
) -> Records:
    """Decode a table's column of encoded audio files to clips, and keep the other columns.

    Parameters
    ----------
    cells
        The encoded files, one per row of the table, and the other columns.
    options, settings, fitted_spec, in_memory_bytes
        As in :func:`read`.

    Returns
    -------
    Records
        A table with the columns ``audio`` and ``file`` and the other columns. If ``options.on_bad_files`` is
        ``"skip"``, rows whose file cannot be decoded are left out.

    Raises
    ------
    InputError
        As in :func:`read`.
    """
    other_columns = {
        name: cells.other_columns.column(name).combine_chunks()
        for name in cells.other_columns.column_names
        if name not in (AUDIO, FILE)
    }
    reading = from_files(
        cells.files, LabeledFiles(cells.files.files), options, settings, fitted_spec, in_memory_bytes, other_columns
    )
    return replace(reading, target=cells.label_column)


def from_files(
    found: MediaFiles,
    labeled: LabeledFiles,
    options: ReadOptions,
    settings: AudioSettings,
    fitted_spec: AudioSpec | None = None,
    in_memory_bytes: int = IN_MEMORY_BYTES,
    other_columns: Mapping[str, pa.Array] | None = None,
) -> Records:
    """Decode files to clips, with labels, splits, speakers, and other columns.

    Parameters
    ----------
    found
        The result of listing the files. Its notes and unreadable files are added to the result.
    labeled
        The files to decode, with their labels, splits and speakers.
    options, settings, fitted_spec, in_memory_bytes
        As in :func:`read`.
    other_columns
        Further columns by name, with one value per file.

    Raises
    ------
    InputError
        As in :func:`read`.
    """
    notes: tuple[str, ...] = ()
    if fitted_spec is None:
        clip_format, notes = choose_format(labeled.files, settings)
        clip_format, more = _with_background(clip_format, labeled.background, settings)
        notes += more
    else:
        clip_format = ClipFormat(fitted_spec.sample_rate_hz, fitted_spec.samples)
    tally = Tally()
    decoded = decode_all(
        replace(found, files=labeled.files),
        decoder(clip_format.sample_rate_hz, clip_format.samples, tally),
        (clip_format.samples,),
        "int16",
        on_bad_files=options.on_bad_files,
        in_memory_bytes=in_memory_bytes,
        progress=options.progress,
    )
    extra = {**(other_columns or {}), **({} if labeled.speakers is None else {"speaker": labeled.speakers})}
    names = [item.name for item in labeled.files]
    table = build_record_table(AUDIO, decoded, names, labels=labeled.labels, splits=labeled.splits, extra=extra)
    splits = ordered_splits(table.column(SPLIT).to_pylist()) if SPLIT in table.column_names else ()
    counted = [f"{count:,} clips {_CONVERSIONS[fact]}" for fact, count in sorted(tally.counts.items())]
    target = None if labeled.labels is None else LABEL
    return Records(
        clip_format.annotate(table),
        (*found.notes, *labeled.notes, *notes, *counted),
        target,
        decoded.bad_files,
        splits,
    )


def _with_background(
    clip_format: ClipFormat, noise: Sequence[MediaFile], settings: AudioSettings
) -> tuple[ClipFormat, tuple[str, ...]]:
    """Return a copy of a clip format that includes the data set's background noise, and notes.

    ``noise`` lists the files of background noise; if it is empty, the result has no noise. Each note is a message for
    the user on a noise file that cannot be read.
    """
    at_most = MAX_FRAMES * settings.window(clip_format.sample_rate_hz).hop // max(1, len(noise))
    powers, missing = [], []

    def noise_samples(data: bytes) -> ndarray:
        return as_int16(waveform(data, clip_format.sample_rate_hz, at_most))

    for item, result in zip(noise, map_files(noise, noise_samples)):
        if isinstance(result, UnreadableFileError):
            missing.append(f"{item.name}: {printable(str(result), 200)}; the noise was left out")
        else:
            window = settings.window(clip_format.sample_rate_hz)
            powers.append(mel_powers(result, clip_format.sample_rate_hz, window, settings.mels))
    return clip_format._replace(background=pack(powers) if powers else ""), tuple(missing)
