"""Learn the format and spectrogram statistics of audio clips, and convert clips to samples."""

from collections.abc import Sequence
from math import ceil, sqrt
from typing import Literal

import pyarrow as pa
import torch
from pydantic import Field, model_validator
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from contramix.domains.audio.augment import AudioAugment
from contramix.domains.audio.background import MAX_FRAMES, unpack
from contramix.domains.audio.clip_format import AUDIO, CONTENT, ClipFormat
from contramix.domains.audio.decoding import decoder
from contramix.domains.audio.frontend import AudioFrontend
from contramix.domains.audio.logmel import Window
from contramix.domains.audio.settings import AudioSettings
from contramix.domains.spec import Spec
from contramix.encoders.encoder import Inputs
from contramix.errors import InputError
from contramix.io.media.encoded_records import ENCODED
from contramix.io.media.streaming import stream_samples
from contramix.samples.samples import StreamedSamples, iterate_batches

MEASURED_CLIPS = 20_000
"""Number of clips, evenly spaced, that statistics are computed from."""
MIN_STD = 1e-3
"""Standard deviation assumed for spectrograms that are all the same, such as those of silence."""
_BATCH_SIZE = 256


class AudioSpec(Spec):
    """Hold how clips become log-mel spectrograms, and the statistics of the training clips' spectrograms.

    Parameters
    ----------
    sample_rate_hz, samples
        Sample rate and number of samples of every clip.
    n_fft, hop
        Frame length and hop length of the short-time Fourier transform, in samples.
    mels
        Number of mel bands.
    top_db
        Range of the spectrogram in decibels. A spectrogram is scaled such that its maximum is 1, and that values
        ``top_db`` or more below the maximum are 0.
    mean, std
        Mean and standard deviation over all elements of the scaled spectrograms of the training clips.
    augment
        How views are made.
    background
        Spectra of background noise for views, encoded by :mod:`contramix.domains.audio.background`; empty if the data
        set has none.
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
    def _check_background(self) -> "AudioSpec":
        if self.background and len(unpack(self.background, self.mels)) > MAX_FRAMES:
            raise ValueError(f"background: more than {MAX_FRAMES} frames of noise")
        return self

    @classmethod
    def learn(
        cls,
        table: pa.Table,
        settings: AudioSettings,
        target: str | None = None,
        extra_rows: pa.Table | None = None,
    ) -> tuple["AudioSpec", tuple[str, ...]]:
        """Learn a specification from training clips: the clip format, and the statistics of the spectrograms.

        Parameters
        ----------
        table
            The training clips, as the readers of this domain return them.
        settings
            The section ``audio`` of the recipe.
        target
            Name of the column of labels; None if there is none.
        extra_rows
            More clips from which statistics are computed, without their labels; None if there are none.

        Returns
        -------
        spec, notes
            The specification, and one-line messages for the user, such as that all clips are silent.

        Raises
        ------
        InputError
            If there are no clips, their sample rate is unknown, or there is no column ``target``.
        """
        clips = CONTENT.select(table)
        if len(clips) == 0:
            raise InputError(f"the column {AUDIO!r} has no clips to learn from")
        clip_format = ClipFormat.of(table)
        if clip_format is None:
            if settings.sample_rate_hz == "auto" or clips.type == ENCODED:
                raise InputError("the sample rate of the clips is unknown: set audio.sample_rate_hz, such as 16000")
            clip_format = ClipFormat(settings.sample_rate_hz, clips.type.shape[0])
        window = settings.window(clip_format.sample_rate_hz)
        draft = cls(
            sample_rate_hz=clip_format.sample_rate_hz,
            samples=clip_format.samples,
            n_fft=window.n_fft,
            hop=window.hop,
            mels=settings.mels,
            top_db=settings.top_db,
            mean=0.0,
            std=1.0,
            augment=settings.augment,
            background=clip_format.background,
            target=target,
            rows=len(clips),
            left_out=CONTENT.left_out(table, target),
        )
        mean, std = _statistics(draft, [table] if extra_rows is None else [table, extra_rows])
        notes = []
        empty = int((draft.frontend().get_buffer("bands").sum(0) == 0).sum())
        if empty:
            notes.append(
                f"{empty} of {settings.mels} mel bands contain no frequency of the spectrum, and are empty: "
                "set fewer audio.mels, or a longer audio.window_seconds"
            )
        if std < MIN_STD:
            notes.append("the spectrograms of all clips are the same: are the clips silent?")
        return draft.model_copy(update={"mean": mean, "std": max(std, MIN_STD)}), tuple(notes)

    @property
    def kinds(self) -> dict[str, list[str]]:
        """Return the names of the input columns by kind, which is ``{"audio": ["audio"]}``."""
        return {"audio": [AUDIO]}

    @property
    def summary(self) -> str:
        """Describe the length and sample rate of a clip, and the size of its spectrogram, in a few words."""
        seconds, frames = self.samples / self.sample_rate_hz, self.window.frames(self.samples)
        return f"{seconds:g} s at {self.sample_rate_hz:,} Hz, as {self.mels} mel bands x {frames} frames"

    @property
    def window(self) -> Window:
        """Return the frame length and the hop length of the short-time Fourier transform, in samples."""
        return Window(self.n_fft, self.hop)

    def tensorize(self, table: pa.Table, first_row: int = 0) -> Tensor | StreamedSamples:
        """Convert the clips of a table to int16 samples (n, samples). ``first_row`` is not used.

        The result is a tensor if the table holds decoded clips. If it refers to encoded files, the result decodes them
        on access.

        Raises
        ------
        InputError
            If the table has no column of clips, or the clips have another length or sample rate than those of training.
        """
        clips = CONTENT.select(table)
        clip_format = ClipFormat.of(table)
        if clip_format is not None and clip_format.sample_rate_hz != self.sample_rate_hz:
            raise InputError(
                f"clips of {clip_format.sample_rate_hz:,} Hz: the model was trained at {self.sample_rate_hz:,} Hz"
            )
        if clips.type == ENCODED:
            return stream_samples(clips, decoder(self.sample_rate_hz, self.samples), (self.samples,), torch.int16)
        (length,) = clips.type.shape
        if length != self.samples:
            raise InputError(f"clips of {length:,} samples: the model was trained on clips of {self.samples:,}")
        values = clips.combine_chunks().storage.flatten()
        return from_dlpack(values).reshape(-1, length) if len(values) else torch.empty(0, length).short()

    def inputs(self) -> Inputs:
        """Return the shape (1, mel bands, frames) of a spectrogram, and the mean and standard deviation."""
        return Inputs((1, self.mels, self.window.frames(self.samples)), mean=(self.mean,), std=(self.std,))

    def frontend(self) -> AudioFrontend:
        """Return the torch module that converts int16 clips to spectrograms, and that makes augmented views of them."""
        noise = unpack(self.background, self.mels) if self.background else None
        return AudioFrontend(self.sample_rate_hz, self.window, self.mels, self.top_db, self.augment, noise)


def _statistics(spec: AudioSpec, tables: Sequence[pa.Table]) -> tuple[float, float]:
    """Compute the mean and standard deviation over all elements of the spectrograms of all clips in the tables.

    If there are more than 20,000 clips, a subset that is evenly spaced over the rows is used.
    """
    frontend = spec.frontend()
    samples = [spec.tensorize(table) for table in tables]
    step = max(1, ceil(sum(map(len, samples)) / MEASURED_CLIPS))
    count, total, squares = 0, 0.0, 0.0
    for clips in samples:
        for batch in iterate_batches(clips, torch.split(torch.arange(0, len(clips), step), _BATCH_SIZE)):
            spectrogram = frontend(batch).double()
            count += spectrogram.numel()
            total += float(spectrogram.sum())
            squares += float(spectrogram.square().sum())
    mean = total / count
    return mean, sqrt(max(0.0, squares / count - mean**2))
