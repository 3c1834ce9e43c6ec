"""Read sounds: folders, archives, single files, and tables with a column of encoded clips."""

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
from contramix.domains.audio.speech_commands import TEN, Sounds, layout, ten_words
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
"""What a column of encoded clips is most often called."""
_DONE = {
    "resampled": "of another sample rate: resampled",
    "averaged": "with several channels: averaged to one",
    "padded": "shorter: silence was put behind them",
    "cut": "longer: their start is used",
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
    """Read clips as rows of a table: ``audio``, ``file``, and ``label``, ``part`` and ``speaker`` where known.

    Parameters
    ----------
    path
        A folder or an archive of audio files, one such file, or Parquet and Arrow files with a column of encoded
        clips. For the official layouts that are known see :func:`contramix.domains.audio.speech_commands.layout`.
    options
        ``on_bad_files`` says what to do with files that cannot be decoded.
    settings
        Rate and length of the clips.
    like
        A trained model's specification: its rate and length hold instead.
    in_memory_bytes
        Clips that take more are not kept decoded.

    Raises
    ------
    InputError
        There is no audio, or none that can be read; or soundfile or soxr is not installed.
    """
    cells = read_embedded_files(path, COLUMNS) if list_table_files(path) else None
    if cells is not None:
        return from_cells(cells, options, settings, fitted_spec, in_memory_bytes)
    found = list_media_files(path, ENDINGS)
    sounds = layout(found)
    if not sounds.files and not found.bad_files:
        raise InputError(f"{found.source}: holds background noise only")
    if settings.words == "ten" and (fitted_spec is None or TEN & set(sounds.labels or ())):
        sounds = ten_words(sounds)
    return from_sounds(found, sounds, options, settings, fitted_spec, in_memory_bytes)


def from_cells(
    cells: EmbeddedFiles,
    options: ReadOptions,
    settings: AudioSettings,
    fitted_spec: AudioSpec | None = None,
    in_memory_bytes: int = IN_MEMORY_BYTES,
) -> Records:
    """The clips of a column of encoded ones, with the other columns."""
    beside = {
        name: cells.other_columns.column(name).combine_chunks()
        for name in cells.other_columns.column_names
        if name not in (AUDIO, FILE)
    }
    reading = from_sounds(
        cells.files, Sounds(cells.files.files), options, settings, fitted_spec, in_memory_bytes, beside
    )
    return replace(reading, target=cells.label_column)


def from_sounds(
    found: MediaFiles,
    sounds: Sounds,
    options: ReadOptions,
    settings: AudioSettings,
    fitted_spec: AudioSpec | None = None,
    in_memory_bytes: int = IN_MEMORY_BYTES,
    beside: Mapping[str, pa.Array] | None = None,
) -> Records:
    """Decode files, and put what is known of each beside its clip, and columns with a row a file."""
    notes: tuple[str, ...] = ()
    if fitted_spec is None:
        clip_format, notes = choose_format(sounds.files, settings)
        clip_format, silent = _with_background(clip_format, sounds.background, settings)
        notes += silent
    else:
        clip_format = ClipFormat(fitted_spec.sample_rate_hz, fitted_spec.samples)
    tally = Tally()
    decoded = decode_all(
        replace(found, files=sounds.files),
        decoder(clip_format.sample_rate_hz, clip_format.samples, tally),
        (clip_format.samples,),
        "int16",
        on_bad_files=options.on_bad_files,
        in_memory_bytes=in_memory_bytes,
        progress=options.progress,
    )
    extra = {**(beside or {}), **({} if sounds.speakers is None else {"speaker": sounds.speakers})}
    names = [item.name for item in sounds.files]
    table = build_record_table(AUDIO, decoded, names, labels=sounds.labels, splits=sounds.parts, extra=extra)
    splits = ordered_splits(table.column(SPLIT).to_pylist()) if SPLIT in table.column_names else ()
    counted = [f"{count:,} clips {_DONE[fact]}" for fact, count in sorted(tally.counts.items())]
    target = None if sounds.labels is None else LABEL
    return Records(
        clip_format.annotate(table),
        (*found.notes, *sounds.notes, *notes, *counted),
        target,
        decoded.bad_files,
        splits,
    )


def _with_background(
    clip_format: ClipFormat, noise: Sequence[MediaFile], settings: AudioSettings
) -> tuple[ClipFormat, tuple[str, ...]]:
    """The clip_format with the noise that lies beside the clips."""
    at_most = MAX_FRAMES * settings.window(clip_format.sample_rate_hz).hop // max(1, len(noise))
    powers, missing = [], []

    def heard(data: bytes) -> ndarray:
        return as_int16(waveform(data, clip_format.sample_rate_hz, at_most))

    for item, result in zip(noise, map_files(noise, heard)):
        if isinstance(result, UnreadableFileError):
            missing.append(f"{item.name}: {printable(str(result), 200)}; the noise was left out")
        else:
            window = settings.window(clip_format.sample_rate_hz)
            powers.append(mel_powers(result, clip_format.sample_rate_hz, window, settings.mels))
    return clip_format._replace(background=pack(powers) if powers else ""), tuple(missing)
