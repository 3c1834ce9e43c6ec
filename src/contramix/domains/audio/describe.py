"""Learn a specification from clips: the sizes from the settings, mean and deviation from the pictures."""

from collections.abc import Sequence
from math import ceil, sqrt

import pyarrow as pa
import torch

from contramix.domains.audio.clip_format import AUDIO, Form
from contramix.domains.audio.settings import AudioSettings
from contramix.domains.audio.spec import AudioSpec, clips_of
from contramix.domains.spec import left_out
from contramix.errors import InputError
from contramix.io.media.encoded_records import ENCODED
from contramix.samples.samples import iterate_batches

MEASURED = 20_000
"""Clips, evenly spaced, whose pictures give mean and deviation."""
LEAST_STD = 1e-3
"""Pictures that are all alike, such as silence, have no deviation to divide by; this stands for it."""
_AT_ONCE = 256


def describe(
    table: pa.Table, settings: AudioSettings, target: str | None = None, also: pa.Table | None = None
) -> tuple[AudioSpec, tuple[str, ...]]:
    """Learn from training clips, and from those of ``also`` if given; with notes.

    Raises
    ------
    InputError
        There are no clips, their rate is not known, or there is no column ``target``.
    """
    clips = clips_of(table)
    if len(clips) == 0:
        raise InputError(f"the column {AUDIO!r} has no clips to learn from")
    form = Form.of(table)
    if form is None:
        if settings.sample_rate_hz == "auto" or clips.type == ENCODED:
            raise InputError("the clips do not say their sample rate: set audio.sample_rate_hz, such as 16000")
        form = Form(settings.sample_rate_hz, clips.type.shape[0])
    window = settings.window(form.sample_rate_hz)
    draft = AudioSpec(
        sample_rate_hz=form.sample_rate_hz,
        samples=form.samples,
        n_fft=window.n_fft,
        hop=window.hop,
        mels=settings.mels,
        top_db=settings.top_db,
        mean=0.0,
        std=1.0,
        augment=settings.augment,
        background=form.background,
        target=target,
        rows=len(clips),
        left_out=left_out(table, AUDIO, target, "is no sound"),
    )
    mean, std = _moments(draft, [table] if also is None else [table, also])
    notes = []
    empty = int((draft.front().get_buffer("bands").sum(0) == 0).sum())
    if empty:
        notes.append(
            f"{empty} of {settings.mels} mel bands fall between two frequencies of the spectrum, and are empty: "
            "set fewer audio.mels, or a longer audio.window_seconds"
        )
    if std < LEAST_STD:
        notes.append("the clips' pictures are all alike: are they silent?")
    return draft.model_copy(update={"mean": mean, "std": max(std, LEAST_STD)}), tuple(notes)


def _moments(spec: AudioSpec, tables: Sequence[pa.Table]) -> tuple[float, float]:
    """Mean and standard deviation over all elements of the clips' pictures."""
    front = spec.front()
    chosen = [spec.tensorize(table) for table in tables]
    step = max(1, ceil(sum(map(len, chosen)) / MEASURED))
    count, total, squares = 0, 0.0, 0.0
    for clips in chosen:
        for block in iterate_batches(clips, torch.split(torch.arange(0, len(clips), step), _AT_ONCE)):
            picture = front(block).double()
            count += picture.numel()
            total += float(picture.sum())
            squares += float(picture.square().sum())
    mean = total / count
    return mean, sqrt(max(0.0, squares / count - mean**2))
