"""Compare log-mel spectrograms with librosa's and with an explicit discrete Fourier transform."""

import cmath
import math

import numpy as np
import pytest
import torch

from contramix.domains.audio.frontend import AudioFrontend
from contramix.domains.audio.logmel import Window, decibels, mel_matrix, power, scaled_spectrogram, spectra

# librosa 0.11.0 on the fixture's chirps / 32768, in float64:
# power_to_db(melspectrogram(y, sr, n_fft, hop_length, n_mels=32), ref=np.max), its sum, and every 5th row, 6th column.
REFERENCE = {
    (16000, 2048, 512): (
        -50502.33983788805,
        [
            [-80.0, -60.52723, -56.14107, -54.78874, -52.90969, -47.80168],
            [-80.0, -30.36546, -58.22844, -52.66678, -53.37781, -51.34947],
            [-80.0, -31.34838, -55.8546, -53.97222, -51.75246, -50.07522],
            [-80.0, -63.55719, -27.07091, -43.11462, -54.21312, -49.22135],
            [-80.0, -59.18514, -56.38743, -54.44804, -2.76934, -43.7174],
            [-80.0, -60.1304, -56.54833, -54.76747, -51.81787, -47.99345],
            [-80.0, -28.68715, -56.86607, -54.73334, -52.39937, -50.55385],
        ],
    ),
    (8000, 1024, 256): (
        -48091.62729119186,
        [
            [-80.0, -57.64148, -52.89688, -50.40435, -49.77255, -48.67249],
            [-80.0, -58.91941, -54.74085, -52.16607, -51.07799, -47.26992],
            [-80.0, 0.0, -59.98287, -57.49017, -50.85954, -47.07662],
            [-80.0, -56.32485, -22.91176, -54.5235, -48.4215, -48.29538],
            [-80.0, -58.95895, -53.09516, -35.65434, -41.26951, -46.33129],
            [-80.0, -56.53199, -20.8753, -46.36244, -4.26029, -47.91995],
            [-80.0, -58.51757, -55.21527, -52.71214, -50.79251, -34.2113],
        ],
    ),
}


@pytest.mark.parametrize(("rate", "n_fft", "hop"), REFERENCE)
def test_decibels_are_librosas(rate, n_fft, hop, chirps):
    total, some = REFERENCE[rate, n_fft, hop]
    front = AudioFrontend(rate, Window(n_fft, hop), 32)
    image = front(torch.from_numpy(chirps(rate))[None])
    assert image.shape == (1, 1, 32, 32)
    found = image[0, 0] * 80 - 80
    assert float((found[::5, ::6] - torch.tensor(some)).abs().max()) < 1e-4
    assert float(found.double().sum()) == pytest.approx(total, abs=0.02)  # 1,024 numbers


def test_spectra_are_the_definition():
    """Centred frames, zeros beyond the ends, a periodic Hann window, the plain sum of the transform."""
    n_fft, hop = 8, 3
    x = [math.sin(1.7 * k) + 0.3 * k % 1 for k in range(13)]
    hann = [0.5 - 0.5 * math.cos(2 * math.pi * k / n_fft) for k in range(n_fft)]
    found = spectra(torch.tensor([x], dtype=torch.float64), torch.tensor(hann, dtype=torch.float64), hop)
    assert found.shape == (1, Window(n_fft, hop).frames(13), n_fft // 2 + 1)
    for frame in range(found.shape[1]):
        for bin_ in range(n_fft // 2 + 1):
            total = 0j
            for k in range(n_fft):
                at = frame * hop + k - n_fft // 2
                if 0 <= at < len(x):
                    total += hann[k] * x[at] * cmath.exp(-2j * math.pi * bin_ * k / n_fft)
            assert complex(found[0, frame, bin_]) == pytest.approx(total, abs=1e-12)
    assert torch.allclose(power(found), found.abs() ** 2)


def test_decibels_are_the_definition():
    mel = torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(1)) ** 8
    found = decibels(mel, 30.0)
    for clip in range(3):
        loudest = max(max(row) for row in mel[clip].tolist())
        for row, other in zip(mel[clip].tolist(), found[clip].tolist()):
            for value, db in zip(row, other):
                assert db == pytest.approx(max(-30.0, 10 * math.log10(max(value, 1e-10) / loudest)), abs=1e-4)
    assert torch.equal(scaled_spectrogram(mel, 30.0), (found / 30 + 1).transpose(1, 2)[:, None])


def test_silence_is_dark_and_loudness_does_not_matter(chirps):
    front = AudioFrontend(8000, Window(1024, 256), 32)
    x = torch.from_numpy(chirps(8000))[None]
    assert torch.equal(front(torch.zeros_like(x)), torch.zeros(1, 1, 32, 32))
    assert float((front(x) - front(x // 2)).abs().mean()) < 0.01
    assert float(front(x).min()) == 0.0
    assert float(front(x).max()) == 1.0


def test_blocks_of_clips_change_nothing(chirps, monkeypatch):
    """Pictures do not depend on the clips beside them, nor on how many are worked on at once."""
    front = AudioFrontend(8000, Window(1024, 256), 32)
    x = torch.stack([torch.from_numpy(np.roll(chirps(8000), 700 * k)) for k in range(5)])
    together = front(x)
    monkeypatch.setattr("contramix.domains.audio.frontend.CPU_BLOCK", 2 * 32 * 513)
    assert torch.allclose(front(x), together, atol=1e-6)
    assert torch.allclose(torch.cat([front(one[None]) for one in x]), together, atol=1e-6)
    assert front(x[:0]).shape == (0, 1, 32, 32)


def test_front_has_no_weights_and_is_on_the_clips_side():
    front = AudioFrontend(8000, Window(256, 64), 16)
    assert not list(front.parameters())
    assert not front.state_dict()
    assert torch.equal(front.get_buffer("bands").T, mel_matrix(8000, 256, 16))
    x = torch.randint(-99, 99, (2, 1000), dtype=torch.int16, generator=torch.Generator().manual_seed(0))
    before = x.clone()
    front(x)
    assert torch.equal(x, before)
