"""Compare the mel filter bank with librosa's and with its definition."""

import math

import pytest
import torch

from contramix.domains.audio.logmel import hz_of, mel_matrix, mel_of

# librosa 0.11.0: m = librosa.filters.mel(sr=sr, n_fft=n_fft, n_mels=32). Per size: the sum and the largest entry of m,
# sums of eight rows, the largest bin of each row, and for four rows their first bin, last bin and first three entries.
REFERENCE = {
    (16000, 2048): (
        4.0959044,
        0.010928032,
        {0: 0.1279158, 1: 0.1279158, 7: 0.1279158, 15: 0.1280176, 16: 0.1279612, 23: 0.1279915, 30: 0.1280019,
         31: 0.1279987},
        [12, 23, 35, 47, 58, 70, 82, 94, 105, 117, 129, 141, 155, 171, 188, 206, 227, 249, 274, 301, 330, 363, 399, 438,
         482, 529, 582, 639, 702, 772, 848, 932],
        {0: (1, 23, [0.0009350761, 0.001870152, 0.002805228]), 7: (82, 105, [9.427482e-05, 0.001029351, 0.001964427]),
         16: (207, 249, [0.0002266892, 0.0005201914, 0.0008136936]),
         31: (849, 1023, [1.643213e-05, 3.37885e-05, 5.114486e-05])},
    ),
    (8000, 1024): (
        4.0959277,
        0.014043921,
        {0: 0.1279867, 1: 0.1279867, 7: 0.1279867, 15: 0.1279003, 16: 0.1279887, 23: 0.1279723, 30: 0.1279886,
         31: 0.1279946},
        [9, 18, 27, 36, 45, 55, 64, 73, 82, 91, 100, 109, 118, 127, 137, 147, 159, 171, 184, 198, 213, 229, 246, 265,
         285, 307, 330, 355, 382, 411, 442, 476],
        {0: (1, 18, [0.001548138, 0.003096277, 0.004644416]), 7: (64, 81, [0.0005419134, 0.002090052, 0.00363819]),
         16: (148, 170, [0.0006245755, 0.001607417, 0.002590259]),
         31: (443, 511, [8.524359e-05, 0.0001943863, 0.000303529])},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rate", "n_fft"), REFERENCE)
def test_matrix_is_librosas(rate, n_fft):
    total, largest, sums, peaks, rows = REFERENCE[rate, n_fft]
    matrix = mel_matrix(rate, n_fft, 32)
    assert matrix.shape == (32, n_fft // 2 + 1)
    assert matrix.dtype == torch.float32
    assert float(matrix.sum()) == pytest.approx(total, rel=1e-6)
    assert float(matrix.max()) == pytest.approx(largest, rel=1e-6)
    assert matrix.argmax(1).tolist() == peaks
    for row, value in sums.items():
        assert float(matrix[row].sum()) == pytest.approx(value, rel=1e-6)
    for row, (first, last, values) in rows.items():
        there = matrix[row].nonzero().flatten().tolist()
        assert (there[0], there[-1]) == (first, last)
        assert matrix[row, first : first + 3].tolist() == pytest.approx(values, rel=1e-5)


def test_scale_is_slaneys():
    """15 mels to 1 kHz, then 27 mels for each factor of 6.4 (Auditory Toolbox)."""
    assert mel_of(500.0) == pytest.approx(7.5)
    assert mel_of(1000.0) == pytest.approx(15)
    assert mel_of(6400.0) == pytest.approx(42)
    hertz = [0.0, 66.0, 999.0, 1000.0, 1001.0, 7999.0]
    back = hz_of(torch.tensor([mel_of(f) for f in hertz], dtype=torch.float64))
    assert back.tolist() == pytest.approx(hertz)


def test_each_band_has_area_one():
    """Over frequency, up to what a sum over bins can tell."""
    width = 16000 / 16384
    area = mel_matrix(16000, 16384, 20).sum(1) * width
    assert area.tolist() == pytest.approx([1.0] * 20, rel=1e-3)
    assert math.isclose(float(mel_matrix(16000, 16384, 20).min()), 0.0)
