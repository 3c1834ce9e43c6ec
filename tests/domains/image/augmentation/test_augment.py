"""Compare augmentation with loops from the formulas, colorsys, interpolate, and counts of random draws."""

import colorsys
import itertools
import math
import random

import pytest
import torch
from pydantic import ValidationError
from scipy import stats
from torch.nn import functional

from contramix.domains.image.augmentation import augment
from contramix.domains.image.augmentation.augment import ImageAugment
from contramix.domains.image.augmentation.blur import blur
from contramix.domains.image.augmentation.color import blend_, grey, jitter_, turn_hue_
from contramix.domains.image.augmentation.crop import Boxes, enlarge, random_boxes
from contramix.domains.image.frontend import ImageFrontend

OFF = {"crop_scale": (1.0, 1.0), "crop_ratio": (1.0, 1.0), "flip": 0.0, "jitter": 0.0, "grey": 0.0, "blur": 0.0}
LIKELY = 1e-3
"""Draws whose chance is smaller than this are taken to be wrong; seeds are fixed, so a test always says the same."""


def pictures(n: int = 6, c: int = 3, h: int = 7, w: int = 9) -> torch.Tensor:
    return torch.rand(n, c, h, w, generator=torch.Generator().manual_seed(1))


def same_law(drawn, wanted) -> bool:
    return stats.ks_2samp(torch.as_tensor(drawn).numpy(), torch.as_tensor(wanted).numpy()).pvalue > LIKELY


# Crop and flip


@pytest.mark.parametrize(("h", "w"), [(12, 12), (9, 14)])
def test_a_crop_is_cutting_out_and_resizing(h, w):
    x = pictures(40, 3, h, w)
    draw = random.Random(0)
    height = [draw.randint(1, h) for _ in x]
    width = [draw.randint(1, w) for _ in x]
    top = [draw.randint(0, h - a) for a in height]
    left = [draw.randint(0, w - b) for b in width]
    flip = [draw.random() < 0.5 for _ in x]
    boxes = Boxes(*(torch.tensor(v, dtype=torch.float32) for v in (top, left, height, width)))
    out = enlarge(x, boxes, torch.tensor(flip))
    for n, one in enumerate(x):
        part = one[:, top[n] : top[n] + height[n], left[n] : left[n] + width[n]]
        want = functional.interpolate(part[None], (h, w), mode="bilinear", align_corners=False)[0]
        torch.testing.assert_close(out[n], want.flip(2) if flip[n] else want, atol=5e-6, rtol=0)


def literal_box(draw: random.Random, h: int, w: int, scale, ratio) -> tuple[int, int, int, int]:
    """RandomResizedCrop.get_params as torchvision documents it: ten tries, then the middle."""
    for _ in range(10):
        area = h * w * draw.uniform(*scale)
        shape = math.exp(draw.uniform(math.log(ratio[0]), math.log(ratio[1])))
        b, a = round(math.sqrt(area * shape)), round(math.sqrt(area / shape))
        if 0 < b <= w and 0 < a <= h:
            return draw.randint(0, h - a), draw.randint(0, w - b), a, b
    a, b = h, w
    if w / h < ratio[0]:
        a = round(w / ratio[0])
    elif w / h > ratio[1]:
        b = round(h * ratio[1])
    return (h - a) // 2, (w - b) // 2, a, b


@pytest.mark.parametrize(
    ("h", "w", "scale", "ratio"),
    [
        (32, 32, (0.2, 1.0), (3 / 4, 4 / 3)),
        (24, 40, (0.5, 1.0), (3 / 4, 4 / 3)),
        (32, 20, (0.9, 1.0), (0.9, 1.1)),  # most draws do not fit
        (10, 10, (0.1, 0.3), (0.2, 5.0)),
    ],
)
def test_boxes_follow_the_published_law(h, w, scale, ratio, generator):
    n, draw = 8000, random.Random(0)
    boxes = Boxes(*(v.double() for v in random_boxes(torch.empty(n, 1, h, w), scale, ratio, generator)))
    want = torch.tensor([literal_box(draw, h, w, scale, ratio) for _ in range(n)]).T.double()
    for found, wanted in zip(boxes, want):
        assert same_law(found, wanted)
    assert same_law(boxes.height * boxes.width, want[2] * want[3])
    assert same_law(boxes.width / boxes.height, want[3] / want[2])
    assert same_law(boxes.top / (h - boxes.height + 1), want[0] / (h - want[2] + 1))
    assert all(v.eq(v.round()).all() for v in boxes)
    assert (boxes.top >= 0).all()
    assert (boxes.left >= 0).all()
    assert (boxes.top + boxes.height <= h).all()
    assert (boxes.left + boxes.width <= w).all()


@pytest.mark.parametrize(("h", "w"), [(9, 9), (12, 5), (5, 12), (10, 3)])
@pytest.mark.parametrize("ratio", [(3.0, 4.0), (0.2, 0.25), (1.0, 1.0)])
def test_what_never_fits_gets_the_middle(h, w, ratio, generator):
    scale = (1.0, 1.0)
    boxes = random_boxes(torch.empty(3, 1, h, w), scale, ratio, generator)
    want = literal_box(random.Random(0), h, w, scale, ratio)
    assert torch.stack(tuple(boxes), 1).tolist() == [list(map(float, want))] * 3


def test_every_place_is_as_likely(generator):
    boxes = random_boxes(torch.empty(9000, 1, 8, 8), (0.25, 0.25), (1.0, 1.0), generator)
    assert boxes.height.eq(4).all()
    assert boxes.width.eq(4).all()
    counts = torch.bincount((5 * boxes.top + boxes.left).long(), minlength=25)
    assert stats.chisquare(counts.numpy()).pvalue > LIKELY


@pytest.mark.parametrize("crop", [{}, {"crop_scale": (0.9, 1.0)}])
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_so_many_are_mirrored(crop, p, generator):
    n = 3000
    x = torch.linspace(0, 1, 16).expand(n, 1, 16, 16)
    out = ImageAugment(**{**OFF, "flip": p, **crop})(x, generator)
    mirrored = int((out[:, 0, :, 0] > out[:, 0, :, -1]).all(1).sum())
    assert stats.binomtest(mirrored, n, p).pvalue > LIKELY if 0 < p < 1 else mirrored == p * n
    if not crop:
        assert all(torch.equal(a, b) or torch.equal(a, b.flip(2)) for a, b in zip(out[:50], x))


# Colours


def literal_blend(pixels: list[list[float]], kind: int, factor: float) -> list[list[float]]:
    """Pixels of one picture, each a list of channels."""
    weights = (0.299, 0.587, 0.114) if len(pixels[0]) == 3 else (1 / len(pixels[0]),) * len(pixels[0])
    shades = [sum(w * v for w, v in zip(weights, pixel)) for pixel in pixels]
    mean = sum(shades) / len(shades)
    out = []
    for pixel, shade in zip(pixels, shades):
        other = (0.0, mean, shade)[kind]
        out.append([min(1.0, max(0.0, factor * v + (1 - factor) * other)) for v in pixel])
    return out


def literal_turn(pixels: list[list[float]], turn: float) -> list[list[float]]:
    out = []
    for pixel in pixels:
        hue, saturation, value = colorsys.rgb_to_hsv(*pixel)
        out.append(list(colorsys.hsv_to_rgb((hue + turn) % 1.0, saturation, value)))
    return out


def to_pixels(picture: torch.Tensor) -> list[list[float]]:
    return picture.double().flatten(1).T.tolist()


def from_pixels(pixels: list[list[float]], like: torch.Tensor) -> torch.Tensor:
    return torch.tensor(pixels).T.reshape(like.shape).to(like.dtype)


@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize("kind", [0, 1, 2])
def test_blends_are_their_formulas(c, kind):
    x = pictures(c=c)
    factors = torch.tensor([0.0, 0.6, 1.0, 1.4, 2.0, 0.31])
    out = blend_(x.clone(), torch.full((6,), kind), factors)
    for one, picture, factor in zip(out, x, factors.tolist()):
        torch.testing.assert_close(one, from_pixels(literal_blend(to_pixels(picture), kind, factor), picture))
    assert torch.equal(out[2], x[2])
    assert (out == 0).any() or kind or c == 1
    assert out.min() >= 0
    assert out.max() <= 1


def test_grey_is_its_weights():
    x = pictures()
    torch.testing.assert_close(grey(x)[:, 0], torch.einsum("c,bchw->bhw", torch.tensor([0.299, 0.587, 0.114]), x))
    assert grey(torch.ones(1, 3, 2, 2)).allclose(torch.ones(1))
    assert torch.equal(grey(x[:, :1]), x[:, :1])


@pytest.mark.parametrize("turn", [0.0, 0.1, -0.1, 1 / 6, 1 / 3, -0.37, 0.5, -0.5])
def test_hues_turn_as_in_colorsys(turn):
    corners = torch.tensor(list(itertools.product((0.0, 0.25, 1.0), repeat=3))).T.reshape(3, 3, 9)
    x = torch.cat([pictures(5, 3, 3, 9), corners[None], torch.full((1, 3, 3, 9), 0.4)])
    out = turn_hue_(x.clone(), torch.full((7,), turn))
    for one, picture in zip(out, x):
        torch.testing.assert_close(one, from_pixels(literal_turn(to_pixels(picture), turn), picture), atol=2e-6, rtol=0)
    if turn == 0:
        assert torch.equal(out, x)


def test_every_order_of_the_four_changes():
    orders = list(itertools.permutations(range(4)))
    n = len(orders)
    x, g = pictures(n, 3, 3, 4), torch.Generator().manual_seed(3)
    factors, turn = torch.rand(n, 3, generator=g) * 2, torch.rand(n, generator=g) - 0.5
    blends = torch.tensor([[kind for kind in order if kind != 3] for order in orders])
    place = torch.tensor([order.index(3) for order in orders])
    out = jitter_(x.clone(), factors, turn, blends, place)
    without = jitter_(x.clone(), factors, None, blends, place)
    for row, order in enumerate(orders):
        for hued, found in ((True, out[row]), (False, without[row])):
            pixels = to_pixels(x[row])
            for kind in order:
                if kind < 3:
                    pixels = literal_blend(pixels, kind, float(factors[row, kind]))
                elif hued:
                    pixels = literal_turn(pixels, float(turn[row]))
            torch.testing.assert_close(found, from_pixels(pixels, x[row]), atol=1e-5, rtol=0)


def test_strengths_and_orders_are_drawn_evenly(monkeypatch, generator):
    seen = {}

    def catch(x, factors, turn, order, place):
        seen.update(factors=factors, turn=turn, order=order, place=place)
        return jitter_(x, factors, turn, order, place)

    monkeypatch.setattr(augment, "jitter_", catch)
    n = 12000
    settings = ImageAugment(**{**OFF, "jitter": 0.8}, brightness=0.3, contrast=1.5, saturation=0.6, hue=0.2)
    settings(torch.rand(n, 3, 1, 1), generator)
    changed = seen["factors"].ne(1).any(1)
    assert stats.binomtest(int(changed.sum()), n, 0.8).pvalue > LIKELY
    assert torch.equal(changed, seen["turn"].ne(0))
    ranges = [(0.7, 1.3), (0.0, 2.5), (0.4, 1.6), (-0.2, 0.2)]
    for drawn, (low, high) in zip([*seen["factors"].T, seen["turn"]], ranges):
        assert stats.kstest(drawn[changed].numpy(), stats.uniform(low, high - low).cdf).pvalue > LIKELY
    assert seen["order"].sort(1).values.eq(torch.arange(3)).all()
    orders = torch.cat([seen["order"], seen["place"][:, None]], 1).unique(dim=0, return_counts=True)[1]
    assert len(orders) == 24
    assert stats.chisquare(orders.numpy()).pvalue > LIKELY


@pytest.mark.parametrize("p", [0.0, 0.2, 1.0])
def test_so_many_become_grey(p, generator):
    n = 3000
    x = pictures(n, 3, 2, 2)
    out = ImageAugment(**{**OFF, "grey": p})(x, generator)
    made = (out - grey(x)).abs().amax((1, 2, 3)) < 1e-6
    assert torch.equal(out[~made], x[~made])
    assert stats.binomtest(int(made.sum()), n, p).pvalue > LIKELY if 0 < p < 1 else made.sum() == p * n


# Blur


@pytest.mark.parametrize("size", [1, 3, 7])
def test_blur_is_a_weighted_mean_with_reflected_edges(size):
    x = pictures(3, 2, 5, 6)
    sigmas = [0.1, 0.9, 2.0]
    out = blur(x, torch.tensor(sigmas), size)

    def reflected(at: int, length: int) -> int:
        at = abs(at)
        return at if at < length else 2 * (length - 1) - at

    reach = size // 2
    for n, sigma in enumerate(sigmas):
        bell = [math.exp(-(t**2) / (2 * sigma**2)) for t in range(-reach, reach + 1)]
        for c, i, j in itertools.product(range(2), range(5), range(6)):
            total = sum(
                a * b * float(x[n, c, reflected(i + p - reach, 5), reflected(j + q - reach, 6)])
                for p, a in enumerate(bell)
                for q, b in enumerate(bell)
            )
            assert float(out[n, c, i, j]) == pytest.approx(total / sum(bell) ** 2, abs=1e-6)


def test_so_many_are_blurred_and_by_so_much(monkeypatch, generator):
    seen = {}

    def catch(x, sigma, size):
        seen.update(sigma=sigma, size=size)
        return blur(x, sigma, size)

    monkeypatch.setattr(augment, "blur", catch)
    n = 3000
    x = pictures(n, 1, 4, 5)
    out = ImageAugment(**{**OFF, "blur": 0.5}, blur_sigma=(0.5, 3.0))(x, generator)
    made = seen["sigma"] > 0
    assert stats.binomtest(int(made.sum()), n, 0.5).pvalue > LIKELY
    assert stats.kstest(seen["sigma"][made].numpy(), stats.uniform(0.5, 2.5).cdf).pvalue > LIKELY
    assert torch.equal(out[~made], x[~made])
    assert (out[made] - x[made]).abs().amax((1, 2, 3)).min() > 1e-3


@pytest.mark.parametrize(
    ("side", "given", "size"), [(8, None, 3), (32, None, 3), (96, None, 9), (224, None, 23), (2, 9, 3)]
)
def test_the_blur_kernel_is_about_a_tenth_of_the_picture(monkeypatch, side, given, size, generator):
    sizes = []
    monkeypatch.setattr(augment, "blur", lambda x, sigma, size: sizes.append(size) or x)
    ImageAugment(**{**OFF, "blur": 1.0}, blur_size=given)(torch.rand(1, 1, side, side + 3), generator)
    assert sizes == [size]
    assert blur(torch.rand(1, 1, side, side + 3), torch.ones(1), size).isfinite().all()


# The whole


def test_all_off_is_the_identity(generator):
    x = pictures()
    out = ImageAugment(**OFF)(x, generator)
    assert torch.equal(out, x)
    assert out.data_ptr() != x.data_ptr()
    still = ImageAugment(**{**OFF, "jitter": 1.0}, brightness=0, contrast=0, saturation=0, hue=0)
    assert torch.equal(still(x, generator), x)


EVERYTHING = ImageAugment(blur=0.5)


@pytest.mark.parametrize("c", [1, 2, 3])
@pytest.mark.parametrize("stored", [torch.uint8, torch.float32])
def test_same_generator_same_views_inputs_and_global_state_untouched(c, stored):
    raw = pictures(16, c, 16, 16)
    raw = (raw * 255).to(stored) if stored == torch.uint8 else raw
    before, state = raw.clone(), torch.get_rng_state()
    front, g = ImageFrontend(EVERYTHING), torch.Generator().manual_seed(5)
    first, second = front.augment(raw, g), front.augment(raw, g)
    assert torch.equal(first, front.augment(raw, torch.Generator().manual_seed(5)))
    assert not torch.equal(first, second)
    assert torch.equal(raw, before)
    assert torch.equal(torch.get_rng_state(), state)
    assert first.shape == raw.shape
    assert first.dtype == torch.float32
    assert first.min() >= 0
    assert first.max() <= 1


@pytest.mark.parametrize(
    "one",
    [
        {"crop_scale": (0.2, 0.9)},
        {"crop_scale": (0.3, 0.3), "crop_ratio": (0.5, 2.0)},
        {"jitter": 1.0},
        {"blur": 1.0},
    ],
)
def test_each_sample_draws_its_own(one, generator):
    x = pictures(1, 3, 64, 64).expand(6, -1, -1, -1)
    out = ImageAugment(**{**OFF, **one})(x, generator)
    assert all(not torch.equal(a, b) for a, b in itertools.combinations(out, 2))


def test_a_picture_of_one_channel_stays_one_of_one_channel(generator):
    """Hue, saturation and grey need colours; brightness and contrast do not."""
    x = pictures(50, 1)
    colours = ImageAugment(**{**OFF, "jitter": 1.0, "grey": 1.0}, brightness=0, contrast=0)
    assert torch.equal(colours(x, generator), x)
    assert not torch.equal(ImageAugment(**{**OFF, "jitter": 1.0})(x, generator), x)


def test_grey_comes_after_the_colours(generator):
    out = ImageAugment(grey=1.0, blur=1.0)(pictures(20, 3, 16, 16), generator)
    torch.testing.assert_close(out[:, 0], out[:, 1])
    torch.testing.assert_close(out[:, 0], out[:, 2])


def test_the_clean_input():
    raw = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    assert ImageFrontend()(raw).flatten().tolist() == pytest.approx([n / 255 for n in range(256)], abs=1e-7)
    x = pictures()
    assert ImageFrontend()(x) is x
    assert not list(ImageFrontend().parameters())
    assert not ImageFrontend().state_dict()


def test_defaults_are_those_of_the_papers_for_cifar():
    """methods.md A.5: RandomResizedCrop(32, scale .2-1), jitter(.4,.4,.4,.1) p .8, grayscale .2, flip."""
    a = ImageAugment()
    assert (a.crop_scale, a.crop_ratio, a.flip) == ((0.2, 1.0), (3 / 4, 4 / 3), 0.5)
    assert (a.jitter, a.brightness, a.contrast, a.saturation, a.hue) == (0.8, 0.4, 0.4, 0.4, 0.1)
    assert (a.grey, a.blur, a.blur_sigma) == (0.2, 0.0, (0.1, 2.0))


def test_settings_read_lists_and_refuse_what_makes_no_sense():
    assert ImageAugment(crop_scale=[0.08, 1]).crop_scale == (0.08, 1)
    assert ImageAugment.model_validate(ImageAugment().model_dump()) == ImageAugment()
    assert ImageAugment.model_validate_json(ImageAugment(blur=0.5).model_dump_json()) == ImageAugment(blur=0.5)
    for wrong in (
        {"crop_scale": (1.0, 0.2)},
        {"crop_scale": (0.0, 1.0)},
        {"crop_scale": (0.2, 1.5)},
        {"crop_scale": 0.2},
        {"crop_ratio": (-1.0, 1.0)},
        {"flip": 1.5},
        {"hue": 0.6},
        {"brightness": -0.1},
        {"blur_size": 4},
        {"blur_size": 0},
        {"cutout": 0.5},
    ):
        with pytest.raises(ValidationError):
            ImageAugment(**wrong)
