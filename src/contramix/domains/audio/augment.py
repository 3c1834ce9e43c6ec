"""Augment audio clips as i-Mix does for speech: amplitude, speed, time stretch, shift, and background noise."""

from typing import Annotated, NamedTuple

import torch
from jaxtyping import Float, Int
from pydantic import BeforeValidator, Field, model_validator
from torch import Tensor

from contramix.settings import Settings, as_tuple

Probability = Annotated[float, Field(ge=0, le=1)]


class AudioAugment(Settings):
    """Set how views of clips are made. Each step applies to a clip with its own probability; 0 switches it off.

    The defaults are those of i-Mix's code for Speech Commands.

    Parameters
    ----------
    amplitude, amplitude_range
        Multiply the amplitude by a factor from this range.
    speed, speed_change
        Change speed and pitch by up to this share, as by resampling.
    stretch, stretch_change
        Change the length without the pitch, by up to this share.
    shift, shift_share
        Shift in time by up to this share of the clip's length; gaps are filled with silence.
    background, background_share
        Mix in background noise of up to this share of the amplitude, if the data have such noise.
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
        """Draw the changes of ``n`` clips of so many frames, on the generator's device."""

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
    """Hold the changes of each clip of a batch."""

    amplitude: Float[Tensor, " B"]
    speed: Float[Tensor, " B"]
    """Speed of the waveform; above 1 is shorter and higher."""
    rate: Float[Tensor, " B"]
    """Speed of the frames, at the same pitch; above 1 is shorter."""
    later: Float[Tensor, " B"]
    """Shift in whole frames; below 0 is earlier."""
    noise: Float[Tensor, " B"]
    """Share of the noise in the amplitude."""
    place: Float[Tensor, " B"]
    """Position in the noise, in [0, 1)."""


def resampled(x: Float[Tensor, " B samples"], speed: Float[Tensor, " B"]) -> Float[Tensor, " B samples"]:
    """Change the speed of each waveform by linear interpolation; fill the end with silence.

    A speed of 1 changes nothing.
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
    """Hold the mel powers of frames, and what is needed to interpolate between a frame and the next one.

    Attributes
    ----------
    mel
        Power of each frame in each mel band.
    cross
        Sum over each mel band of the product of a frame's magnitudes and those of the next frame; 0 for the last frame.
    """

    mel: Float[Tensor, " B frames mels"]
    cross: Float[Tensor, " B frames mels"]


def moved(frames: Frames, rate: Float[Tensor, " B"], later: Float[Tensor, " B"]) -> Float[Tensor, " B frames mels"]:
    """Stretch the frames of each clip, then shift them; keep their number, and fill gaps with silence.

    A phase vocoder interpolates magnitudes between two frames, (1 - a) |X_t| + a |X_t+1|, and constructs phases for
    them. Powers do not depend on phases, and the square of the sum is expanded in mel bands of whole frames. Single
    frequencies therefore need no interpolation: (1 - a)^2 |X_t|^2 + 2 a (1 - a) |X_t| |X_t+1| + a^2 |X_t+1|^2.
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
    """Mix background noise into each clip, with its own share and from its own frame of the background on.

    NOTE[DIFF]: powers are added; i-Mix adds complex spectra. The sum of powers is the mean of i-Mix's result over all
    positions in the noise, as the phases of clip and noise are independent.
    """
    index = start[:, None] + torch.arange(mel.shape[1], device=mel.device)
    share = share[:, None, None]
    return (1 - share) ** 2 * mel + share**2 * background[index]
