"""Compare each audio augmentation with a loop over numbers that follows its definition."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from contramix.domains.audio.augment import AudioAugment, Changes, Frames, moved, noisy, resampled
from contramix.domains.audio.frontend import AudioFrontend
from contramix.domains.audio.logmel import Window, decibels, power, spectra

NOTHING = dict.fromkeys(("amplitude", "speed", "stretch", "shift", "background"), 0.0)
WINDOW = Window(256, 64)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def clips(n=6, samples=2000):
    return torch.randint(-20000, 20000, (n, samples), generator=seeded(3)).to(torch.int16)


def front(noise=None, **changes):
    return AudioFrontend(8000, WINDOW, 16, augment=AudioAugment(**{**NOTHING, **changes}), background=noise)


def changed(n, **given):
    """Changes of n sounds that do nothing but what is given."""
    nothing = {"amplitude": 1, "speed": 1, "rate": 1, "later": 0, "noise": 0, "place": 0}
    return Changes(**{name: torch.tensor(given.get(name, [value] * n)).float() for name, value in nothing.items()})


def test_speed_is_linear_interpolation():
    x = torch.randn(4, 50, generator=seeded())
    speeds = [0.8, 1.0, 1.2, 0.93]
    found = resampled(x, torch.tensor(speeds))
    for row, speed in enumerate(speeds):
        for k in range(50):
            at = k * speed
            low = math.floor(at + 1e-5)  # where float32 and float64 fall on two sides of a whole number, both hold
            if at > 49:
                assert low < 50 or float(found[row, k]) == 0
                continue
            high = min(low + 1, 49)
            expected = float(x[row, low]) * (1 - (at - low)) + float(x[row, high]) * (at - low)
            assert float(found[row, k]) == pytest.approx(expected, abs=2e-5)
    assert torch.equal(found[1], x[1])


def test_speed_changes_pitch():
    """A tone of 400 Hz at speed 1.2 is one of 480 Hz."""
    t = torch.arange(8000) / 8000
    tone = torch.sin(2 * math.pi * 400 * t)[None]
    spectrum = torch.fft.rfft(resampled(tone, torch.tensor([1.2]))[0, :6000]).abs()
    assert int(spectrum.argmax()) * 8000 / 6000 == pytest.approx(480, abs=2)


def test_stretch_and_shift_are_a_phase_vocoders():
    """Against a vocoder as a loop over frames and bins: magnitudes between two frames, beyond the last one zeros."""
    spectrum = spectra(torch.randn(3, 600, generator=seeded()), torch.hann_window(64), 50)
    bands = torch.rand(33, 5, generator=seeded(1))
    powers = power(spectrum)
    n = powers.shape[1]
    cross = torch.nn.functional.pad((powers[:, :-1] * powers[:, 1:]).sqrt() @ bands, (0, 0, 0, 1))
    rates, later = [0.8, 1.17, 1.0], [3, -2, 0]
    found = moved(Frames(powers @ bands, cross), torch.tensor(rates), torch.tensor(later).float())
    magnitude = spectrum.abs().tolist()
    for row in range(3):
        stretched = []
        for step in range(math.ceil(n / rates[row])):
            frame, a = divmod(step * rates[row], 1)
            left = magnitude[row][int(frame)]
            right = magnitude[row][int(frame) + 1] if frame + 1 < n else [0.0] * 33
            stretched.append([(1 - a) * p + a * q for p, q in zip(left, right)])
        for k in range(n):
            from_ = k - later[row]
            magnitudes = stretched[from_] if 0 <= from_ < len(stretched) else [0.0] * 33
            for band in range(5):
                expected = sum(m * m * float(bands[b, band]) for b, m in enumerate(magnitudes))
                assert float(found[row, k, band]) == pytest.approx(expected, rel=1e-3, abs=1e-2)
    assert torch.allclose(found[2], (powers @ bands)[2])


# librosa 0.11.0, float64: bands @ abs(phase_vocoder(stft(y), rate=0.83)) ** 2 of the fixture's chirps at 16 kHz, where
# bands = filters.mel(sr=16000, n_fft=2048, n_mels=32); every 5th row, these columns.
VOCODED_FRAMES = (0, 7, 14, 21, 28)
VOCODED = [
    [0.0, 0.005514467, 0.001294117, 0.001655018, 0.001799726],
    [0.0, 3.989739, 0.0007648976, 0.002315877, 0.003613365],
    [0.0, 0.2608217, 0.01944253, 0.001847776, 0.002483449],
    [0.0, 0.0007220406, 0.3841442, 4.818306, 0.001753394],
    [0.0, 0.0007946954, 0.001108401, 0.001821686, 123.5248],
    [0.0, 0.0006132283, 0.001035418, 0.001727302, 0.00256641],
    [0.0, 0.7912149, 0.0009694605, 0.001609288, 0.002500883],
]


def test_stretch_is_librosas(chirps):
    front = AudioFrontend(16000, Window(2048, 512), 32, augment=AudioAugment(**{**NOTHING, "stretch": 1.0}))
    frames = front._frames(torch.from_numpy(chirps(16000))[None], torch.ones(1))
    found = moved(frames, torch.tensor([0.83]), torch.zeros(1))[0].T
    assert torch.allclose(found[::5, VOCODED_FRAMES], torch.tensor(VOCODED), rtol=2e-4, atol=1e-5)


def test_noise_is_added_in_its_share():
    mel, noise = torch.rand(2, 4, 3, generator=seeded()), torch.rand(9, 3, generator=seeded(1))
    found = noisy(mel, noise, torch.tensor([0.3, 0.0]), torch.tensor([5, 2]))
    for k in range(4):
        for band in range(3):
            expected = 0.7**2 * float(mel[0, k, band]) + 0.3**2 * float(noise[5 + k, band])
            assert float(found[0, k, band]) == pytest.approx(expected)
    assert torch.equal(found[1], mel[1])


def test_powers_add_as_waveforms_do_on_average():
    """What NOTE[DIFF] says: the mean over the noise's place of |sound + noise|^2 is the sum of both powers."""
    tone = 0.3 * torch.sin(torch.arange(4000) * 0.7)
    noise = torch.randn(80000, generator=seeded(5)) * 0.1
    hann = torch.hann_window(256)
    mixed = torch.stack([0.6 * tone + 0.4 * noise[k : k + 4000] for k in range(0, 76000, 500)])
    together = power(spectra(mixed, hann, 64))[:, 4:-4].mean((0, 1))
    apart = 0.36 * power(spectra(tone[None], hann, 64))[:, 4:-4].mean((0, 1))
    apart += 0.16 * power(spectra(noise[None], hann, 64))[:, 4:-4].mean((0, 1))
    assert torch.allclose(together, apart, rtol=0.1)


def test_augment_does_the_steps_one_after_the_other():
    """The whole, given what was drawn, against the steps done one by one to each clip."""
    noise = torch.rand(50, 16, generator=seeded(7)) * 1e-2
    whole = front(noise, amplitude=1.0, speed=1.0, stretch=1.0, shift=1.0, background=1.0)
    raw = clips()
    n = WINDOW.frames(2000)
    drawn = whole.changes.draw(6, n, seeded(11))
    found = whole.augment(raw, seeded(11))
    bands = whole.get_buffer("bands")
    for row in range(6):
        wave = resampled(raw[row : row + 1].float() / 32768 * drawn.amplitude[row], drawn.speed[row : row + 1])
        powers = power(spectra(wave, whole.get_buffer("hann"), 64))
        cross = torch.nn.functional.pad((powers[:, :-1] * powers[:, 1:]).sqrt() @ bands, (0, 0, 0, 1))
        mel = moved(Frames(powers @ bands, cross), drawn.rate[row : row + 1], drawn.later[row : row + 1])
        start = int(float(drawn.place[row]) * (50 - n + 1))
        share = float(drawn.noise[row])
        mel = (1 - share) ** 2 * mel + share**2 * noise[start : start + n]
        expected = decibels(mel, 80.0)[0].T / 80 + 1
        assert torch.allclose(found[row, 0], expected, atol=1e-4)


def test_draws_are_within_their_ranges_and_as_often_as_said():
    settings = AudioAugment(amplitude=0.25, speed=0.75, stretch=1.0, shift=0.5, background=0.1)
    drawn = settings.draw(20000, 32, seeded())
    for values, neutral, low, high, share in (
        (drawn.amplitude, 1, 0.7, 1.1, 0.25),
        (drawn.speed, 1, 0.8, 1.2, 0.75),
        (drawn.rate, 1, 0.8, 1.2, 1.0),
        (drawn.noise, 0, 0.0, 0.45, 0.1),
    ):
        there = values[values != neutral]
        assert len(there) / 20000 == pytest.approx(share, abs=0.02)
        assert float(there.min()) == pytest.approx(low, abs=0.002)
        assert float(there.max()) == pytest.approx(high, abs=0.002)
        assert float(there.mean()) == pytest.approx((low + high) / 2, abs=0.01)
    assert set(drawn.later.tolist()) == set(range(-8, 9))
    assert float((drawn.later != 0).float().mean()) == pytest.approx(0.5 * 16 / 17, abs=0.02)
    together = torch.corrcoef(torch.stack([drawn.amplitude, drawn.speed, drawn.rate, drawn.later, drawn.noise]))
    assert float((together - torch.eye(5)).abs().max()) < 0.05


def test_probability_zero_is_clean_and_more_is_not():
    raw = clips()
    noise = torch.rand(50, 16, generator=seeded(7))
    clean = front()(raw)
    assert torch.equal(front(noise).augment(raw, seeded()), clean)
    for name in ("speed", "stretch", "shift", "background"):
        view = front(noise, **{name: 1.0}).augment(raw, seeded())
        assert view.shape == clean.shape
        assert all(not torch.equal(one, other) for one, other in zip(view, clean)), name
        assert float(view.min()) >= 0
        assert float(view.max()) <= 1
    quiet = torch.full((1, 2000), 3, dtype=torch.int16)  # loudness shows where the floor of 1e-10 is near
    louder = front(amplitude=1.0, **{"amplitude_range": (5.0, 5.0)})
    assert not torch.equal(louder.augment(quiet, seeded()), front()(quiet))


def test_background_is_off_where_there_is_none():
    raw = clips()
    assert torch.equal(front(background=1.0).augment(raw, seeded()), front()(raw))


def test_noise_shorter_than_a_clip_goes_round():
    view = front(torch.rand(5, 16, generator=seeded()), background=1.0).augment(clips(), seeded())
    assert view.shape == (6, 1, 16, WINDOW.frames(2000))


def test_silence_gets_noise_and_stays_finite():
    silent = torch.zeros(3, 2000, dtype=torch.int16)
    every = {name: 1.0 for name in NOTHING}
    view = front(torch.rand(50, 16, generator=seeded()), **every).augment(silent, seeded())
    assert torch.isfinite(view).all()
    assert float(view.mean()) > 0.5
    assert torch.equal(front(**every).augment(silent, seeded()), torch.zeros(3, 1, 16, WINDOW.frames(2000)))


def test_same_generator_same_views_and_each_sample_its_own():
    every = front(torch.rand(50, 16, generator=seeded()), **{name: 1.0 for name in NOTHING})
    raw = clips(1).repeat(8, 1)
    before, state = raw.clone(), torch.get_rng_state()
    first, again, other = (every.augment(raw, seeded(k)) for k in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert len({one.numpy().tobytes() for one in first}) == 8
    assert torch.equal(raw, before)
    assert torch.equal(torch.get_rng_state(), state)
    assert every.augment(raw[:0], seeded()).shape == (0, 1, 16, WINDOW.frames(2000))


def test_settings_refuse_what_cannot_be():
    for wrong in ({"speed": 1.5}, {"amplitude_range": (2.0, 1.0)}, {"amplitude_range": (0.5,)}, {"shift_share": -0.1},
                  {"speed_change": 1.0}, {"pitch": 0.5}):  # fmt: skip
        with pytest.raises(ValidationError):
            AudioAugment(**wrong)
    assert AudioAugment(amplitude_range=[0.5, 2]).amplitude_range == (0.5, 2.0)
    assert AudioAugment.model_validate_json(AudioAugment(speed=0.1).model_dump_json()) == AudioAugment(speed=0.1)
    assert np.isclose(AudioAugment().background_share, 0.45)
