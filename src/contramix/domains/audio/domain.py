"""Sounds: clips of one rate and length, seen as log-mel pictures."""

import os
from typing import Any

import pyarrow as pa

from contramix.domains.audio.clip_format import AUDIO
from contramix.domains.audio.decoding import ENDINGS
from contramix.domains.audio.describe import describe
from contramix.domains.audio.reading import COLUMNS, read
from contramix.domains.audio.settings import AudioSettings
from contramix.domains.audio.spec import AudioSpec
from contramix.domains.audio.values import claims_values, from_values
from contramix.domains.domain import Domain
from contramix.io.media.recognition import contains_files
from contramix.io.options import ReadOptions
from contramix.io.records import Records


class Sounds(Domain[AudioSettings, AudioSpec]):
    """Clips from files, archives and arrays."""

    spec = AudioSpec
    records = "clips"
    baselines = ("raw", "pca", "untrained", "trees", "gaussian", "supervised")
    content = AUDIO

    def claims(self, path: str | os.PathLike[str]) -> bool:
        """Files with a sound's ending, folders and archives of them, and tables with a column of encoded ones."""
        return contains_files(path, ENDINGS, COLUMNS)

    def claims_values(self, values: Any) -> bool:
        """Lists of audio files, and tables of clips; arrays could be anything."""
        return claims_values(values)

    def read(
        self,
        path: str | os.PathLike[str],
        options: ReadOptions,
        settings: AudioSettings,
        like: AudioSpec | None = None,
    ) -> Records:
        """Read a folder, an archive or a file."""
        return read(path, options, settings, like)

    def describe(
        self, table: pa.Table, settings: AudioSettings, target: str | None = None, also: pa.Table | None = None
    ) -> tuple[AudioSpec, tuple[str, ...]]:
        """Learn mean and deviation of the pictures."""
        return describe(table, settings, target, also)

    def from_values(self, values: Any, settings: AudioSettings, like: AudioSpec | None = None) -> Records:
        """Lists of files, and arrays of waveforms."""
        return from_values(values, settings, like)
