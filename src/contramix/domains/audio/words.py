"""The task with twelve classes on Speech Commands: ten words, all others, and silence."""

from dataclasses import replace

from contramix.domains.audio.speech_commands import Sounds
from contramix.errors import InputError
from contramix.io.media.media_file import Item

TEN = frozenset({"yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"})
SILENCE_SHARE = 0.1
"""All-zero clips a clip of the training part, as i-Mix has them; the test part has none."""


def ten_words(sounds: Sounds) -> Sounds:
    """Label all but ten words ``unknown``, and add clips of silence to the training part.

    Raises
    ------
    InputError
        None of the ten words is a label.
    """
    if sounds.labels is None or not TEN & set(sounds.labels):
        raise InputError("audio.words = 'ten' is for Speech Commands: none of its ten words (yes, no, ...) is a label")
    labels = [label if label is None or label in TEN else "unknown" for label in sounds.labels]
    training = len(labels) if sounds.parts is None else sounds.parts.count("train")
    more = int(training * SILENCE_SHARE)
    silence = tuple(Item(f"silence {number}", _silent) for number in range(more))
    return replace(
        sounds,
        files=sounds.files + silence,
        labels=[*labels, *["silence"] * more],
        parts=None if sounds.parts is None else [*sounds.parts, *["train"] * more],
        speakers=None if sounds.speakers is None else [*sounds.speakers, *[""] * more],
        notes=(*sounds.notes, f"{more:,} clips of silence were added to the training part (audio.words = 'ten')"),
    )


def _silent() -> bytes:
    """A WAV file of one sample, 0, at 16 kHz; what is missing of a clip is silent."""
    numbers = ((16, 4), (1, 2), (1, 2), (16000, 4), (32000, 4), (2, 2), (16, 2))
    form = b"fmt " + b"".join(value.to_bytes(size, "little") for value, size in numbers)
    body = b"WAVE" + form + b"data" + (2).to_bytes(4, "little") + b"\0\0"
    return b"RIFF" + len(body).to_bytes(4, "little") + body
