"""Choose one sample rate and length for all clips of a data set, and store them with the clips."""

from collections import Counter
from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

import pyarrow as pa

from contramix.domains.audio.decoding import AudioHeader, read_header
from contramix.domains.audio.settings import AudioSettings
from contramix.domains.content_column import ContentColumn
from contramix.io.media.encoded_records import ENCODED
from contramix.io.media.media_file import MediaFile, UnreadableFileError
from contramix.io.media.parallel_decoding import map_files

AUDIO = "audio"
"""The name of the column of clips."""
MAX_AUTO_HZ = 16_000
"""Maximum sample rate that is chosen if none is set."""
MAX_AUTO_SECONDS = 10.0
"""Maximum length that is chosen if none is set."""
PROBED_FILES = 2000
"""Number of files, evenly spaced, whose headers decide what is not set."""
_COVERED_SHARE = 0.95
"""Share of the clips that fit into the length that is chosen if none is set."""


def _is_clips(column_type: pa.DataType) -> bool:
    if not isinstance(column_type, pa.FixedShapeTensorType):
        return bool(column_type == ENCODED)
    return column_type.value_type == pa.int16() and len(column_type.shape) == 1


CONTENT = ContentColumn(AUDIO, records="clips", accepts=_is_clips, advice="read audio files, or give waveforms")


class ClipFormat(NamedTuple):
    """Hold the sample rate and the length of all clips of a data set, and the background noise of the data set.

    Parameters
    ----------
    sample_rate_hz : int
        Sample rate.
    samples : int
        Number of samples of each clip.
    background : str
        Background noise of the data set, encoded by :mod:`contramix.domains.audio.background`; empty if there is none.
    """

    sample_rate_hz: int
    samples: int
    background: str = ""

    def annotate(self, table: pa.Table) -> pa.Table:
        """Return a copy of the table with this format stored in the metadata of its ``audio`` column."""
        return CONTENT.annotate(table, {name: str(value) for name, value in self._asdict().items()})

    @classmethod
    def of(cls, table: pa.Table) -> "ClipFormat | None":
        """Return the format that is stored in the metadata of a table's ``audio`` column; None if there is none."""
        metadata = CONTENT.metadata(table)
        try:
            return cls(int(metadata["sample_rate_hz"]), int(metadata["samples"]), metadata.get("background", ""))
        except (KeyError, ValueError):
            return None


def choose_format(files: Sequence[MediaFile], settings: AudioSettings) -> tuple[ClipFormat, tuple[str, ...]]:
    """Choose the sample rate and the length to which all clips of a data set are converted.

    Both are those of the settings. If one is ``"auto"``, it is chosen by the headers of at most 2,000 of the files.

    Returns
    -------
    clip_format, notes
        The format, without background noise, and one-line messages for the user on how clips are converted.
    """
    found: list[AudioHeader] = []
    if "auto" in (settings.sample_rate_hz, settings.seconds):
        probed = files[:: ceil(len(files) / PROBED_FILES)] if files else ()
        found = [result for result in map_files(probed, read_header) if not isinstance(result, UnreadableFileError)]
    notes = []
    if settings.sample_rate_hz == "auto":
        counts = Counter(one.sample_rate_hz for one in found)
        common = max(counts, key=lambda hz: (counts[hz], hz), default=MAX_AUTO_HZ)
        rate = min(common, MAX_AUTO_HZ)
        if len(counts) > 1 or rate < common:
            notes.append(f"all clips are resampled to {rate:,} Hz (audio.sample_rate_hz sets another rate)")
    else:
        rate = settings.sample_rate_hz
    if settings.seconds == "auto":
        seconds = _common_seconds([one.seconds for one in found])
        if seconds != 1:
            notes.append(f"all clips are padded or truncated to {seconds:g} s (audio.seconds sets another length)")
    else:
        seconds = settings.seconds
    return ClipFormat(rate, max(1, round(rate * seconds))), tuple(notes)


def _common_seconds(seconds: list[float]) -> float:
    """Choose the length of all clips in seconds, given the lengths of the files.

    The result is 1 if at least 95 % of the files are no longer than 1 s, or if there are no files. Otherwise it is the
    smallest multiple of 0.5 s that at least 95 % of the files do not exceed, and at most 10.
    """
    ordered = sorted(seconds)
    covering = ordered[ceil(_COVERED_SHARE * len(ordered)) - 1] if ordered else 1.0
    return 1.0 if covering <= 1 else min(MAX_AUTO_SECONDS, ceil(2 * covering) / 2)
