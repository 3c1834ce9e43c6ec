"""The rate and length to which all clips are brought, and where they are noted: with the column of clips."""

from collections import Counter
from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

import pyarrow as pa

from contramix.domains.audio.decoding import Header, header
from contramix.domains.audio.settings import AudioSettings
from contramix.io.media.media_file import MediaFile, UnreadableFileError
from contramix.io.media.parallel_decoding import map_files

AUDIO = "audio"
"""The column of clips."""
MOST_HZ = 16_000
MOST_SECONDS = 10.0
PROBED = 2000
"""Files, evenly spaced, whose headers decide where nothing is set."""
_SHARE = 0.95
_RATE, _SAMPLES, _BACKGROUND = b"sample_rate_hz", b"samples", b"background"


class Form(NamedTuple):
    """What all clips have in common."""

    sample_rate_hz: int
    samples: int
    background: str = ""
    """Packed noise, see :mod:`contramix.domains.audio.background`."""

    def on(self, table: pa.Table) -> pa.Table:
        """The table with this noted at its column of clips."""
        at = table.column_names.index(AUDIO)
        noted = {_RATE: str(self.sample_rate_hz), _SAMPLES: str(self.samples), _BACKGROUND: self.background}
        column = table.column(AUDIO)
        return table.set_column(at, pa.field(AUDIO, column.type, metadata=noted), column)

    @classmethod
    def of(cls, table: pa.Table) -> "Form | None":
        """What is noted at a table's column of clips, if anything is."""
        noted = table.schema.field(AUDIO).metadata or {}
        try:
            return cls(int(noted[_RATE]), int(noted[_SAMPLES]), noted.get(_BACKGROUND, b"").decode())
        except (KeyError, ValueError):
            return None


def choose_form(files: Sequence[MediaFile], settings: AudioSettings) -> tuple[Form, tuple[str, ...]]:
    """What is set, and what is not, by the files' headers; with notes on what was chosen."""
    found: list[Header] = []
    if "auto" in (settings.sample_rate_hz, settings.seconds):
        probed = files[:: ceil(len(files) / PROBED)] if files else ()
        found = [result for result in map_files(probed, header) if not isinstance(result, UnreadableFileError)]
    notes = []
    if settings.sample_rate_hz == "auto":
        counts = Counter(one.sample_rate_hz for one in found)
        common = max(counts, key=lambda hz: (counts[hz], hz), default=MOST_HZ)
        rate = min(common, MOST_HZ)
        if len(counts) > 1 or rate < common:
            notes.append(f"all clips are brought to {rate:,} Hz; audio.sample_rate_hz says otherwise")
    else:
        rate = settings.sample_rate_hz
    if settings.seconds == "auto":
        seconds = _common_seconds([one.seconds for one in found])
        if seconds != 1:
            notes.append(f"all clips are brought to {seconds:g} s; audio.seconds says otherwise")
    else:
        seconds = settings.seconds
    return Form(rate, max(1, round(rate * seconds))), tuple(notes)


def _common_seconds(seconds: list[float]) -> float:
    """One second if most clips are no longer; else what most fit in, in half seconds."""
    ordered = sorted(seconds)
    most = ordered[ceil(_SHARE * len(ordered)) - 1] if ordered else 1.0
    return 1.0 if most <= 1 else min(MOST_SECONDS, ceil(2 * most) / 2)
