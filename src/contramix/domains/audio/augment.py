"""Views of sounds: louder, faster, longer, later, noisier. Each sound draws its own; i-Mix's pipeline for speech."""

from typing import Annotated, NamedTuple

import torch
from jaxtyping import Float, Int
from pydantic import BeforeValidator, Field, model_validator
from torch import Tensor

from contramix.settings import Settings, as_tuple

Probability = Annotated[float, Field(ge=0, le=1)]


class AudioAugment(Settings):
    """How views of sounds are made. Each step is done to a sound with its own probability; 0 switches it off.

    The defaults are those of i-Mix's code for Speech Commands.

    Parameters
    ----------
    amplitude, amplitude_range
        Loudness times a factor of this range.
    speed, speed_change
        Speed and pitch together, by up to this share, as a tape that runs faster or slower.
    stretch, stretch_change
        Length without pitch, by up to this share.
    shift, shift_share
        Earlier or later, by up to this share of the clip's length; what comes in is silent.
    background, background_share
        Background noise mixed in with up to this share of the amplitude, where the data come with such noise.
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
    def _in_order(self) -> "AudioAugment":
        if self.amplitude_range[0] > self.amplitude_range[1]:
            raise ValueError("amplitude_range: give the smaller factor first")
        return self

    def draw(self, n: int, frames: int, generator: torch.Generator) -> "Changes":
        """What is done to each of ``n`` sounds of so many frames, drawn on the generator's device."""

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
    """What is done to each sound."""

    amplitude: Float[Tensor, " B"]
    speed: Float[Tensor, " B"]
    """Of the waveform; above 1 is shorter and higher."""
    rate: Float[Tensor, " B"]
    """Of the frames; above 1 is shorter."""
    later: Float[Tensor, " B"]
    """Whole frames; below 0 is earlier."""
    noise: Float[Tensor, " B"]
    """The noise's share of the amplitude."""
    place: Float[Tensor, " B"]
    """Where in the noise, in [0, 1)."""


def resampled(x: Float[Tensor, " B samples"], speed: Float[Tensor, " B"]) -> Float[Tensor, " B samples"]:
    """Each waveform at its own speed, by linear interpolation; what is missing at the end is silent.

    Speed 1 changes nothing.
    """
    n = x.shape[1]
    steps = torch.arange(n, device=x.device)
    ahead = steps * (speed[:, None] - 1)  # apart from the whole steps, which float32 would make coarse
    whole = ahead.floor()
    index = steps + whole.long()
    left = x.gather(1, index.clamp(max=n - 1))
    right = x.gather(1, (index + 1).clamp(max=n - 1))
    return torch.lerp(left, right, ahead - whole) * (index < n)


class Frames(NamedTuple):
    """Mel powers of frames, and what is needed to stand between two of them."""

    mel: Float[Tensor, " B frames mels"]
    cross: Float[Tensor, " B frames mels"]
    """Mel bands of each frame's magnitudes times the next one's; the last frame's are 0."""


def moved(frames: Frames, rate: Float[Tensor, " B"], later: Float[Tensor, " B"]) -> Float[Tensor, " B frames mels"]:
    """Each clip's frames stretched, then shifted, as many as before; where nothing is left, silence.

    A phase vocoder takes magnitudes between two frames, (1 - a) |X_t| + a |X_t+1|, and makes phases that go with them.
    Powers do not ask for the phases, and the square of the sum is taken apart into mel bands at whole frames, so
    nothing is interpolated bin by bin: (1 - a)^2 |X_t|^2 + 2 a (1 - a) |X_t| |X_t+1| + a^2 |X_t+1|^2.
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
    """Each clip with its own share of noise, from its own frame of the background on.

    NOTE[DIFF]: powers are added, where i-Mix adds complex spectra. That is their mean over all places the noise may
    start at, for sound and noise know nothing of each other's phase.
    """
    index = start[:, None] + torch.arange(mel.shape[1], device=mel.device)
    share = share[:, None, None]
    return (1 - share) ** 2 * mel + share**2 * background[index]
