"""How sounds are read, and what the network sees of them: the recipe's section ``audio``."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from contramix.domains.audio.augment import AudioAugment
from contramix.domains.audio.logmel import Window
from contramix.settings import Settings


class AudioSettings(Settings):
    """How sounds are read, and what the network sees of them.

    Parameters
    ----------
    sample_rate_hz
        All clips are brought to this rate. ``"auto"``: the most common rate of the files, at most 16,000.
    seconds
        All clips are brought to this length: the start of longer ones, silence behind shorter ones. ``"auto"``: 1 where
        at least 95 % of the clips are no longer; else what 95 % of them fit in, in half seconds, at most 10.
    window_seconds, hop_seconds
        Length of a frame, and the step from one to the next. The defaults are i-Mix's 2,048 and 512 samples at 16 kHz.
    mels
        Bands of the log-mel picture.
    top_db
        Decibels between its black and its white.
    words
        Speech Commands only. ``"ten"`` is the task with 12 classes: ten words, all others as ``unknown``, and
        ``silence``, all-zero clips that are added to the training part (one to ten clips).
    augment
        How views are made, for recipes that augment.
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
    def _overlapping(self) -> "AudioSettings":
        if self.hop_seconds > self.window_seconds:
            raise ValueError(
                "hop_seconds is larger than window_seconds, so parts of the sound would be seen by no frame"
            )
        return self

    def window(self, sample_rate_hz: int) -> Window:
        """The sizes in samples at a rate; the frame's is even."""
        return Window(
            n_fft=2 * max(1, round(self.window_seconds * sample_rate_hz / 2)),
            hop=max(1, round(self.hop_seconds * sample_rate_hz)),
        )
