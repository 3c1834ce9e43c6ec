"""What was learned of sounds: rate, length, the sizes of the log-mel picture and its mean. Half of a saved model."""

from typing import Literal

import pyarrow as pa
import torch
from pydantic import Field, model_validator
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from contramix.domains.audio.augment import AudioAugment
from contramix.domains.audio.background import FRAMES, unpack
from contramix.domains.audio.clip_format import AUDIO, Form
from contramix.domains.audio.decoding import decoder
from contramix.domains.audio.frontend import AudioFront
from contramix.domains.audio.logmel import Window
from contramix.domains.spec import Spec
from contramix.encoders.encoder import Inputs
from contramix.errors import InputError
from contramix.io.media.encoded_records import ENCODED
from contramix.io.media.streaming import stream_samples
from contramix.samples.samples import StreamedSamples


class AudioSpec(Spec):
    """How clips become log-mel pictures, and what was learned of these from the training clips only.

    Parameters
    ----------
    sample_rate_hz, samples
        Of every clip.
    n_fft, hop
        A frame's length and step, in samples.
    mels, top_db
        Bands of the picture, and decibels between its black and its white.
    mean, std
        Of the pictures, in [0, 1].
    augment
        How views are made.
    background
        Noise for views, packed (:mod:`contramix.domains.audio.background`); empty where the data came with none.
    """

    domain: Literal["audio"] = "audio"
    format_version: Literal[1] = 1
    sample_rate_hz: int = Field(ge=1, le=192_000)
    samples: int = Field(ge=1, le=2**27)
    n_fft: int = Field(ge=2, le=2**19)
    hop: int = Field(ge=1, le=2**19)
    mels: int = Field(ge=1, le=512)
    top_db: float = Field(gt=0)
    mean: float
    std: float = Field(gt=0)
    augment: AudioAugment = AudioAugment()
    background: str = ""

    @model_validator(mode="after")
    def _unpacks(self) -> "AudioSpec":
        if self.background and len(unpack(self.background, self.mels)) > FRAMES:
            raise ValueError(f"background: more than {FRAMES} frames of noise")
        return self

    @property
    def kinds(self) -> dict[str, list[str]]:
        """The column of clips."""
        return {"audio": [AUDIO]}

    @property
    def form(self) -> str:
        """Length and rate of a clip, and the size of its picture."""
        seconds, frames = self.samples / self.sample_rate_hz, self.window.frames(self.samples)
        return f"{seconds:g} s at {self.sample_rate_hz:,} Hz, as {self.mels} mel bands x {frames} frames"

    @property
    def window(self) -> Window:
        """The sizes of the short-time Fourier transform."""
        return Window(self.n_fft, self.hop)

    def tensorize(self, table: pa.Table) -> Tensor | StreamedSamples:
        """Clips as int16 (n, samples), or decoded when they are asked for.

        Raises
        ------
        InputError
            If there are no clips, or they have another length or rate.
        """
        clips = clips_of(table)
        form = Form.of(table)
        if form is not None and form.sample_rate_hz != self.sample_rate_hz:
            raise InputError(
                f"clips of {form.sample_rate_hz:,} Hz: the model was trained at {self.sample_rate_hz:,} Hz"
            )
        if clips.type == ENCODED:
            return stream_samples(clips, decoder(self.sample_rate_hz, self.samples), (self.samples,), torch.int16)
        (length,) = clips.type.shape
        if length != self.samples:
            raise InputError(f"clips of {length:,} samples: the model was trained on clips of {self.samples:,}")
        values = clips.combine_chunks().storage.flatten()
        return from_dlpack(values).reshape(-1, length) if len(values) else torch.empty(0, length).short()

    def inputs(self) -> Inputs:
        """One channel, bands, frames."""
        return Inputs((1, self.mels, self.window.frames(self.samples)), mean=(self.mean,), std=(self.std,))

    def front(self) -> AudioFront:
        """The way from clips to pictures, with the noise that came with the training data."""
        noise = unpack(self.background, self.mels) if self.background else None
        return AudioFront(self.sample_rate_hz, self.window, self.mels, self.top_db, self.augment, noise)


def clips_of(table: pa.Table) -> pa.ChunkedArray:
    """The column of clips.

    Raises
    ------
    InputError
        There is none, or it holds something else.
    """
    if AUDIO not in table.column_names:
        raise InputError(f"there is no column {AUDIO!r} of clips: read audio files, or give waveforms")
    clips = table.column(AUDIO)
    decoded = isinstance(clips.type, pa.FixedShapeTensorType) and clips.type.value_type == pa.int16()
    if not (decoded and len(clips.type.shape) == 1) and clips.type != ENCODED:
        raise InputError(f"the column {AUDIO!r} holds {clips.type}, not clips: read it from audio files")
    if clips.null_count:
        raise InputError(f"the column {AUDIO!r} has {clips.null_count:,} rows without a clip")
    return clips
