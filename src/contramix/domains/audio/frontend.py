"""Convert waveforms to log-mel spectrograms, clean or augmented."""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int16
from torch import Tensor
from torch.nn import functional

from contramix.domains.audio.augment import AudioAugment, Frames, moved, noisy, resampled
from contramix.domains.audio.logmel import Window, mel_matrix, power, scaled_spectrogram, spectra
from contramix.encoders.frontend import Front

CPU_BLOCK = 2**20
"""Number of elements of spectra that are processed at once on a CPU: they fit into its cache."""
ACCELERATOR_BLOCK = 2**26
"""Number of elements of spectra that are processed at once on an accelerator: half a gigabyte."""


class AudioFrontend(Front):
    """Convert waveforms to log-mel spectrograms in [0, 1], as librosa's ``power_to_db(melspectrogram(x), ref=max)``.

    Parameters
    ----------
    sample_rate_hz
        Sample rate of the waveforms.
    window
        Frame length and hop length of the short-time Fourier transform, in samples.
    mels
        Number of mel bands.
    top_db
        Range in decibels: 1 is the maximum of a clip, 0 is ``top_db`` or more below it.
    augment
        Settings of the augmentation that makes views; None for the defaults.
    background
        Mel powers of noise that is mixed into views; None for no noise.

    Examples
    --------
    >>> front = AudioFrontend(16000, Window(2048, 512), mels=32)
    >>> clips = torch.randint(-3000, 3000, (4, 16000), dtype=torch.int16)
    >>> front(clips).shape
    torch.Size([4, 1, 32, 32])
    """

    def __init__(
        self,
        sample_rate_hz: int,
        window: Window,
        mels: int,
        top_db: float = 80.0,
        augment: AudioAugment | None = None,
        background: Float[Tensor, " n mels"] | None = None,
    ) -> None:
        super().__init__()
        self.window, self.top_db = window, top_db
        self.changes = augment or AudioAugment()
        bands = mel_matrix(sample_rate_hz, window.n_fft, mels).T.contiguous()
        hann = torch.hann_window(window.n_fft, dtype=torch.float64).float()  # float32 cosines are too coarse for it
        self.register_buffer("hann", hann, persistent=False)
        self.register_buffer("bands", bands, persistent=False)
        self.register_buffer("background", torch.zeros(0, mels) if background is None else background, persistent=False)

    def forward(self, raw: Int16[Tensor, " B samples"]) -> Float[Tensor, " B 1 mels frames"]:
        """Return the log-mel spectrogram of each clip, without augmentation."""
        bands = self.get_buffer("bands")
        mel = [power(self._spectra(block)) @ bands for block in self._waveforms(raw)]
        return scaled_spectrogram(torch.cat(mel), self.top_db)

    def augment(
        self, raw: Int16[Tensor, " B samples"], generator: torch.Generator
    ) -> Float[Tensor, " B 1 mels frames"]:
        """Return the log-mel spectrogram of one augmented view per clip, with random changes drawn for each clip."""
        n = self.window.frames(raw.shape[1])
        changes = self.changes.draw(len(raw), n, generator)
        mel = moved(self._frames(raw, changes.speed), changes.rate, changes.later)
        mel = mel * changes.amplitude[:, None, None] ** 2
        background = self.get_buffer("background")
        if len(background):
            background = background.repeat(-(-n // len(background)), 1)
            start = (changes.place * (len(background) - n + 1)).long()
            mel = noisy(mel, background, changes.noise, start)
        return scaled_spectrogram(mel, self.top_db)

    def _frames(self, raw: Tensor, speed: Tensor) -> Frames:
        """Change the speed of each clip, and compute the mel powers and cross terms of its frames.

        ``raw`` holds int16 clips (batch, samples), and ``speed`` one factor per clip. Cross terms are 0 if clips are
        never stretched, as only stretching uses them.
        """
        bands = self.get_buffer("bands")
        mel, cross = [], []
        for block, factor in zip(self._waveforms(raw), torch.split(speed, self._block(raw))):
            powers = power(self._spectra(resampled(block, factor) if self.changes.speed else block))
            mel.append(powers @ bands)
            if self.changes.stretch:
                cross.append((powers[:, :-1] * powers[:, 1:]).sqrt() @ bands)
        whole = torch.cat(mel)
        return Frames(whole, functional.pad(torch.cat(cross), (0, 0, 0, 1)) if cross else torch.zeros_like(whole))

    def _spectra(self, x: Tensor) -> Tensor:
        return spectra(x, self.get_buffer("hann"), self.window.hop)

    def _waveforms(self, raw: Tensor) -> Iterator[Tensor]:
        """Convert int16 clips to floats in [-1, 1), and yield them in blocks that limit the memory for spectra."""
        return (block.float() / 32768 for block in torch.split(raw, self._block(raw)))

    def _block(self, raw: Tensor) -> int:
        block = CPU_BLOCK if raw.device.type == "cpu" else ACCELERATOR_BLOCK
        per_clip = self.window.frames(raw.shape[1]) * (self.window.n_fft // 2 + 1)
        return max(1, block // per_clip)
