"""Read files, archives and arrays of clips, and learn how they become log-mel spectrograms."""

from contramix.domains.audio.clip_format import CONTENT
from contramix.domains.audio.decoding import ENDINGS
from contramix.domains.audio.reading import COLUMNS, read
from contramix.domains.audio.settings import AudioSettings
from contramix.domains.audio.spec import AudioSpec
from contramix.domains.audio.values import from_values, recognizes_values
from contramix.domains.domain import Domain
from contramix.io.media.recognition import contains_files

DOMAIN = Domain(
    records="clips",
    settings=AudioSettings,
    spec=AudioSpec,
    baselines=("chance", "raw", "pca", "logmel", "untrained", "trees"),
    recognizes=lambda path: contains_files(path, ENDINGS, COLUMNS),
    recognizes_values=recognizes_values,
    read=read,
    from_values=from_values,
    content=CONTENT,
)
"""Clips of one sample rate and length. Arrays of waveforms are not recognized: they look like tables."""
