"""Test arrays of images: axes, bit depths, colors and sizes."""

import numpy as np
import pytest
from PIL import Image

from contramix.domains.image.formats.arrays import channels_first, to_size, to_uint8
from contramix.domains.image.settings import ImageSettings
from contramix.domains.image.size import ImageSize, choose_size
from contramix.errors import InputError

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("shape", "seen", "note"),
    [
        ((5, 8, 9), (5, 1, 8, 9), False),
        ((5, 8, 9, 3), (5, 3, 8, 9), False),
        ((5, 8, 9, 1), (5, 1, 8, 9), False),
        ((5, 8, 9, 4), (5, 4, 8, 9), False),
        ((5, 3, 8, 9), (5, 3, 8, 9), False),
        ((5, 3, 8, 3), (5, 3, 3, 8), True),
        ((1, 1, 9, 3), (1, 3, 1, 9), True),
    ],
)
def test_axes(shape, seen, note):
    array = RNG.integers(0, 256, shape, np.uint8)
    out, notes = channels_first(array, "x.npy")
    assert out.shape == seen
    assert bool(notes) == note
    last = len(shape) == 4 and shape[3] in (1, 3, 4)
    for _ in range(20):
        n, c, i, j = (int(RNG.integers(side)) for side in seen)
        assert out[n, c, i, j] == (
            array[n, i, j, c] if last else array[n, c, i, j] if len(shape) == 4 else array[n, i, j]
        )


@pytest.mark.parametrize("shape", [(5,), (5, 8), (5, 8, 9, 2), (5, 2, 8, 9), (5, 1, 8, 9, 3), (0, 8, 9), (5, 0, 9, 3)])
def test_shapes_that_are_no_images(shape):
    with pytest.raises(InputError, match=r"x.npy"):
        channels_first(np.zeros(shape), "x.npy")


@pytest.mark.parametrize(
    ("values", "seen"),
    [
        (np.array([0, 7, 255], np.uint8), [0, 7, 255]),
        (np.array([0, 128, 257, 65535], np.uint16), [0, 0, 1, 255]),
        (np.array([0, 2**32 - 1], np.uint32), [0, 255]),
        (np.array([0, 7, 255], np.int64), [0, 7, 255]),
        (np.array([0, 0.5, 1.0], np.float16), [0, 128, 255]),
        (np.array([0, 99.6, 255.0]), [0, 100, 255]),
        (np.array([False, True]), [0, 255]),
    ],
)
def test_bits(values, seen):
    before = values.copy()
    assert to_uint8(values, "x").tolist() == seen
    np.testing.assert_array_equal(values, before)


@pytest.mark.parametrize(
    "values", [np.array([-1, 5]), np.array([0, 256]), np.array([0, np.nan]), np.array([-1.0, 1.0]), np.array(["a"])]
)
def test_numbers_that_are_no_pixels(values):
    with pytest.raises(InputError, match="x: pixels"):
        to_uint8(values, "x")


def test_colours():
    rgb = RNG.integers(0, 256, (3, 3, 4, 5), np.uint8)
    grey = to_size(rgb, ImageSize(1, 4, 5))
    expected = 0.299 * rgb[:, 0] + 0.587 * rgb[:, 1] + 0.114 * rgb[:, 2]
    assert np.abs(grey[:, 0] - expected).max() <= 0.5 + 1e-9
    np.testing.assert_array_equal(to_size(grey, ImageSize(3, 4, 5)), np.repeat(grey, 3, 1))
    rgba = np.concatenate([rgb, RNG.integers(0, 256, (3, 1, 4, 5), np.uint8)], 1)
    alpha = rgba[:, 3:] / 255
    assert np.abs(to_size(rgba, ImageSize(3, 4, 5)) - (rgb * alpha + 255 * (1 - alpha))).max() <= 0.5 + 1e-9


@pytest.mark.parametrize(("height", "width"), [(40, 40), (64, 40), (10, 12)])
def test_resizing_is_pillows(height, width):
    array = RNG.integers(0, 256, (5, 3, height, width), np.uint8)
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    out = to_size(array, ImageSize(3, 16, 16))
    for one, seen in zip(array, out):
        box = Image.fromarray(one.transpose(1, 2, 0)[top : top + side, left : left + side])
        expected = np.asarray(box.resize((16, 16), Image.Resampling.BILINEAR)).transpose(2, 0, 1)
        assert np.abs(seen.astype(int) - expected).max() <= 1


AUTO = ImageSettings()


@pytest.mark.parametrize(
    ("seen", "settings", "form", "notes"),
    [
        ([(32, 32, 3)] * 3, AUTO, (3, 32, 32), 0),
        ([(96, 96, 1)] * 3, AUTO, (1, 96, 96), 0),
        ([(40, 30, 1)] * 3, AUTO, (1, 40, 30), 0),
        ([(97, 97, 1)] * 3, AUTO, (1, 64, 64), 1),
        ([(32, 32, 3), (32, 33, 3)], AUTO, (3, 64, 64), 1),
        ([(32, 32, 3), (32, 32, 1)], AUTO, (3, 32, 32), 1),
        ([(32, 32, 3), (500, 32, 1)], ImageSettings(size=48, channels=1), (1, 48, 48), 0),
        ([], AUTO, (3, 64, 64), 0),
    ],
)
def test_the_common_form(seen, settings, form, notes):
    chosen, said = choose_size(seen, settings)
    assert chosen == form
    assert len(said) == notes


@pytest.mark.parametrize(("size", "channels"), [(8, 3), (16, 1), (32, "auto"), ("auto", 1), ("auto", "auto")])
def test_sizes_and_channels_that_are_stated_need_no_images(size, channels):
    side = 64 if size == "auto" else size
    chosen, _ = choose_size([], ImageSettings(size=size, channels=channels))
    assert chosen == ImageSize(3 if channels == "auto" else channels, side, side)
