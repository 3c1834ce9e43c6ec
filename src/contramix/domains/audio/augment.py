"""Augment audio clips as i-Mix does for speech: amplitude, speed, time stretch, shift, and background noise."""

from typing import Annotated, NamedTuple

import torch
from jaxtyping import Float, Int
from pydantic import BeforeValidator, Field, model_validator
from torch import Tensor

from contramix.settings import Settings, as_tuple

Probability = Annotated[float, Field(ge=0, le=1)]


class AudioAugment(Settings):
    """Set how views of clips are made. Each step is applied to a clip with its own probability.

    ``amplitude``, ``speed``, ``stretch``, ``shift`` and ``background`` are the probabilities of the steps; 0 switches a
    step off. The defaults are those of i-Mix's code for Speech Commands.

    Parameters
    ----------
    amplitude, amplitude_range
        Multiply the waveform by a factor that is drawn from this range.
    speed, speed_change
        Change speed and pitch together, as by resampling. The factor is drawn from 1 - ``speed_change`` to
        1 + ``speed_change``.
    stretch, stretch_change
        Change the speed but not the pitch. The factor is drawn from 1 - ``stretch_change`` to 1 + ``stretch_change``.
    shift, shift_share
        Shift the clip forward or backward in time, by at most this fraction of its length. Gaps become silence.
    background, background_share
        Mix in background noise, as (1 - f) clip + f noise with f drawn from 0 to ``background_share``. It has no effect
        if the data set has no background noise.
    """

    amplitude: Probability = 0.5
    amplitude_range: Annotated[
        tuple[Annotated[float, Field(gt=0, le=100)], Annotated[float, Field(gt=0, le=100)]], BeforeValidator(as_tuple)
    ] = (0.7, 1.1)
    speed: Probability = 0.5
    speed_change: float = Field(default=0.2, ge=0, le=0.9)
    stretch: Probability = 0.5
    stretch_change: float = Field(default=0.2, ge=0, le=0.9)
    shift: Probability = 0.5
    shift_share: float = Field(default=0.25, ge=0, le=1)
    background: Probability = 0.5
    background_share: float = Field(default=0.45, ge=0, le=1)

    @model_validator(mode="after")
    def _check_range(self) -> "AudioAugment":
        if self.amplitude_range[0] > self.amplitude_range[1]:
            raise ValueError("amplitude_range: give the smaller factor first")
        return self

    def draw(self, n: int, frames: int, generator: torch.Generator) -> "Changes":
        """Draw random changes for ``n`` clips, on the generator's device.

        ``frames`` is the number of spectrogram frames of each clip, which limits the shift in time.
        """

        def uniform(low: float, high: float) -> Tensor:
            return low + (high - low) * torch.rand(n, generator=generator, device=generator.device)

        def chosen(probability: float, drawn: Tensor, otherwise: float) -> Tensor:
            return torch.where(uniform(0.0, 1.0) < probability, drawn, otherwise)

        furthest = round(self.shift_share * frames)
        later = torch.randint(-furthest, furthest + 1, (n,), generator=generator, device=generator.device)
        return Changes(
            amplitude=chosen(self.amplitude, uniform(*self.amplitude_range), 1.0),
            speed=chosen(self.speed, uniform(1 - self.speed_change, 1 + self.speed_change), 1.0),
            rate=chosen(self.stretch, uniform(1 - self.stretch_change, 1 + self.stretch_change), 1.0),
            later=chosen(self.shift, later.float(), 0.0),
            noise=chosen(self.background, uniform(0.0, self.background_share), 0.0),
            place=uniform(0.0, 1.0),
        )


class Changes(NamedTuple):
    """Hold the random changes that make a view of each clip of a batch.

    Attributes
    ----------
    amplitude
        Factor by which the amplitude is multiplied.
    speed
        Factor of the speed and pitch of the waveform; above 1 the clip becomes shorter and higher.
    rate
        Factor of the speed of the frames, at the same pitch; above 1 the clip becomes shorter.
    later
        Shift in whole frames; below 0 the clip moves to an earlier time.
    noise
        Fraction of background noise in the amplitude; 0 for no noise.
    place
        Position in the background noise from which noise is taken, in [0, 1).
    """

    amplitude: Float[Tensor, " B"]
    speed: Float[Tensor, " B"]
    rate: Float[Tensor, " B"]
    later: Float[Tensor, " B"]
    noise: Float[Tensor, " B"]
    place: Float[Tensor, " B"]


def resampled(x: Float[Tensor, " B samples"], speed: Float[Tensor, " B"]) -> Float[Tensor, " B samples"]:
    """Change speed and pitch of each waveform by linear interpolation; keep the number of samples.

    A speed above 1 shortens the waveform, and zeros fill its end. A speed below 1 lengthens it, and its end is cut off.
    """
    n = x.shape[1]
    steps = torch.arange(n, device=x.device)
    ahead = steps * (speed[:, None] - 1)  # kept apart from the integer steps, which would cost precision in float32
    whole = ahead.floor()
    index = steps + whole.long()
    left = x.gather(1, index.clamp(max=n - 1))
    right = x.gather(1, (index + 1).clamp(max=n - 1))
    return torch.lerp(left, right, ahead - whole) * (index < n)


class Frames(NamedTuple):
    """Hold the mel powers of frames, and the cross terms with which powers between adjacent frames are interpolated.

    Attributes
    ----------
    mel
        Power of each frame in each mel band.
    cross
        For each mel band, the weighted sum over its frequencies of the magnitude of a frame times the magnitude of the
        next frame; 0 for the last frame.
    """

    mel: Float[Tensor, " B frames mels"]
    cross: Float[Tensor, " B frames mels"]


def moved(frames: Frames, rate: Float[Tensor, " B"], later: Float[Tensor, " B"]) -> Float[Tensor, " B frames mels"]:
    """Stretch the frames of each clip in time, then shift them; keep the number of frames, and fill gaps with silence.

    Parameters
    ----------
    frames
        Mel powers and cross terms of the clips.
    rate
        Speed of each clip, at the same pitch; above 1 the clip becomes shorter.
    later
        Shift of each clip in frames; below 0 the clip moves to an earlier time.

    Notes
    -----
    As in a phase vocoder, the magnitude between two frames is (1 - a) |X_t| + a |X_t+1|. Its square, the power, is
    (1 - a)^2 |X_t|^2 + 2 a (1 - a) |X_t| |X_t+1| + a^2 |X_t+1|^2. Each of the three terms is available per mel band.
    Therefore, single frequencies need not be interpolated.
    """
    mel, cross = frames
    n = mel.shape[1]
    at = (torch.arange(n, device=mel.device) - later[:, None]) * rate[:, None]
    inside = (at >= 0) & (at < n)
    index = at.clamp(0, n - 1).long()
    a = (at - index)[..., None]
    rows = torch.arange(len(mel), device=mel.device)[:, None]
    following = torch.nn.functional.pad(mel, (0, 0, 0, 1))[rows, index + 1]
    between = (1 - a) ** 2 * mel[rows, index] + 2 * a * (1 - a) * cross[rows, index] + a**2 * following
    return torch.where(inside[..., None], between, 0)


def noisy(
    mel: Float[Tensor, " B frames mels"],
    background: Float[Tensor, " n mels"],
    share: Float[Tensor, " B"],
    start: Int[Tensor, " B"],
) -> Float[Tensor, " B frames mels"]:
    """Mix background noise into each clip: the result is (1 - share)^2 clip + share^2 noise, in powers.

    Parameters
    ----------
    mel
        Mel powers of the clips.
    background
        Mel powers of the noise.
    share
        Fraction of the noise in the amplitude of each clip, from 0 (no noise) to 1.
    start
        For each clip, the first frame of the noise that is mixed in. At least ``frames`` frames must follow from there.

    Notes
    -----
    NOTE[DIFF]: powers are added; i-Mix adds complex spectra. The sum of powers is the mean of i-Mix's result over all
    positions in the noise, as the phases of clip and noise are independent.
    """
    index = start[:, None] + torch.arange(mel.shape[1], device=mel.device)
    share = share[:, None, None]
    return (1 - share) ** 2 * mel + share**2 * background[index]
