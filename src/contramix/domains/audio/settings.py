"""Define how audio is read and converted to spectrograms: the section ``audio`` of a recipe."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from contramix.domains.audio.augment import AudioAugment
from contramix.domains.audio.logmel import Window
from contramix.settings import Settings


class AudioSettings(Settings):
    """Set how audio is read and converted to spectrograms.

    Parameters
    ----------
    sample_rate_hz
        Sample rate that all clips are resampled to, in Hz. ``"auto"``: the most common rate of the files, at most
        16,000.
    seconds
        Length that longer clips are truncated to and shorter ones are padded to with silence. ``"auto"``: 1 if at least
        95 % of the clips are no longer than 1 s; else the smallest multiple of 0.5 that at least 95 % of the clips do
        not exceed, at most 10.
    window_seconds, hop_seconds
        Length of a frame of the short-time Fourier transform, and time from one frame to the next. The defaults are
        those of i-Mix: 2,048 and 512 samples at 16 kHz.
    mels
        Number of mel bands of the spectrogram.
    top_db
        Range of the spectrogram in decibels, down from the maximum of each clip.
    words
        For Speech Commands only. ``"all"`` keeps each word as a class. ``"ten"`` is the task with 12 classes: ten
        words, ``unknown`` for all others, and ``silence``, for which one all-zero clip is added per ten clips of the
        training split.
    augment
        How views are made, for recipes that use augmentation.
    """

    sample_rate_hz: Literal["auto"] | Annotated[int, Field(ge=1000, le=192_000)] = "auto"
    seconds: Literal["auto"] | Annotated[float, Field(gt=0, le=600)] = "auto"
    window_seconds: float = Field(default=0.128, gt=0, le=2)
    hop_seconds: float = Field(default=0.032, gt=0, le=2)
    mels: int = Field(default=32, ge=1, le=512)
    top_db: float = Field(default=80.0, gt=0, le=200)
    words: Literal["all", "ten"] = "all"
    augment: AudioAugment = AudioAugment()

    @model_validator(mode="after")
    def _check_hop(self) -> "AudioSettings":
        if self.hop_seconds > self.window_seconds:
            raise ValueError("hop_seconds is larger than window_seconds, so no frame would cover some parts of a clip")
        return self

    def window(self, sample_rate_hz: int) -> Window:
        """Convert frame length and hop length from seconds to samples; round the frame length to an even number."""
        return Window(
            n_fft=2 * max(1, round(self.window_seconds * sample_rate_hz / 2)),
            hop=max(1, round(self.hop_seconds * sample_rate_hz)),
        )
