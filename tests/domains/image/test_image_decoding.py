"""Test decoding one image of any format: exact pixels, or the reason why it cannot be decoded."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from contramix.domains.image import decoding
from contramix.domains.image.decoding import decode, facts
from contramix.domains.image.size import ImageSize
from contramix.io.media.media_file import UnreadableFileError

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (11, 17, 3), np.uint8)
GREY = RNG.integers(0, 256, (11, 17), np.uint8)
LOSSLESS = ["PNG", "BMP", "TIFF", "WEBP"]


def packed(image, kind, **options):
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    out = io.BytesIO()
    image.save(out, kind, **({"lossless": True} | options if kind == "WEBP" else options))
    return out.getvalue()


def own(data):
    """Decoded in its own size and colours."""
    height, width, channels = facts(data)
    return decode(data, ImageSize(channels, height, width))


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, depth, colour, rows):
    """A PNG written by hand."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


# What is read is what was written.


@pytest.mark.parametrize("kind", LOSSLESS)
def test_rgb_pixels_come_back(kind):
    out = own(packed(RGB, kind))
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(out, RGB.transpose(2, 0, 1))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF"])
def test_grey_pixels_come_back(kind):
    data = packed(GREY, kind)
    assert facts(data) == (11, 17, 1)
    np.testing.assert_array_equal(own(data), GREY[None])


def test_jpegs_are_near():
    smooth = np.add.outer(np.arange(24) * 5, np.arange(32) * 4)[:, :, None] * np.ones(3)
    data = packed(smooth.clip(0, 255).astype(np.uint8), "JPEG", quality=95)
    assert np.abs(own(data).astype(int) - smooth.clip(0, 255).transpose(2, 0, 1)).max() < 8


def test_a_png_by_hand():
    rows = b"\0" + bytes([10, 20, 30, 40, 50, 60]) + b"\0" + bytes([1, 2, 3, 4, 5, 6])
    out = own(png(2, 2, 8, 2, rows))
    assert out.tolist() == [[[10, 40], [1, 4]], [[20, 50], [2, 5]], [[30, 60], [3, 6]]]


# Bits: scaled by what they can hold.


def test_sixteen_bits_are_scaled_not_clipped():
    values = np.array([[0, 128, 257, 30000, 65535]], np.uint16)
    data = png(5, 1, 16, 0, b"\0" + values.astype(">u2").tobytes())
    assert own(data).ravel().tolist() == [round(int(v) * 255 / 65535) for v in values.ravel()] == [0, 0, 1, 117, 255]


def test_sixteen_bit_tiff():
    values = np.array([[0, 257, 12850, 65535]], np.uint16)
    assert own(packed(values, "TIFF")).ravel().tolist() == [0, 1, 50, 255]


def test_thirty_two_bit_tiffs_signed_and_not():
    signed = np.array([[0, 2**23, 2**31 - 1]], np.int32)
    assert own(packed(signed, "TIFF")).ravel().tolist() == [0, 1, 255]
    with pytest.raises(UnreadableFileError, match="pixels below 0"):
        own(packed(np.array([[-1, 5]], np.int32), "TIFF"))
    tag = struct.pack("<HHI", 339, 3, 1)  # the sample format: 2 is signed, 1 is not
    for values, seen in (([0, 2**23, 2**31 - 1], [0, 0, 127]), ([-1, 0], [255, 0])):
        data = packed(np.array([values], np.int32), "TIFF")
        assert data.count(tag + b"\2") == 1
        assert own(data.replace(tag + b"\2", tag + b"\1")).ravel().tolist() == seen


@pytest.mark.parametrize(("values", "seen"), [([0.0, 0.5, 1.0], [0, 128, 255]), ([0.0, 100.4, 255.0], [0, 100, 255])])
def test_floats_by_their_range(values, seen):
    assert own(packed(np.array([values], np.float32), "TIFF")).ravel().tolist() == seen


@pytest.mark.parametrize("values", [[-0.1, 0.5], [0.0, 256.0], [0.0, np.nan]])
def test_floats_of_no_known_range_are_refused(values):
    with pytest.raises(UnreadableFileError, match=r"float pixels from .*: scale them"):
        own(packed(np.array([values], np.float32), "TIFF"))


def test_one_bit_and_two_bits():
    assert own(packed(Image.fromarray(GREY > 127).convert("1"), "PNG")).tolist() == [((GREY > 127) * 255).tolist()]
    assert own(png(4, 1, 2, 0, b"\0" + bytes([0b00011011]))).ravel().tolist() == [0, 85, 170, 255]


# Colours and transparency.


def test_transparency_is_laid_on_white():
    rgba = np.dstack([RGB, RNG.integers(0, 256, (11, 17), np.uint8)])
    alpha = rgba[:, :, 3:] / 255
    expected = RGB * alpha + 255 * (1 - alpha)
    assert np.abs(own(packed(rgba, "PNG")).transpose(1, 2, 0) - expected).max() <= 1
    assert np.abs(own(packed(rgba, "WEBP", exact=True)).transpose(1, 2, 0) - expected).max() <= 1


def test_grey_with_transparency_stays_grey():
    alpha = RNG.integers(0, 256, (11, 17), np.uint8)
    data = packed(Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(alpha)]), "PNG")
    assert facts(data).channels == 1
    assert np.abs(own(data)[0] - (GREY * (alpha / 255) + 255 - alpha)).max() <= 1


def test_palettes_with_and_without_a_transparent_colour():
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    image.putpalette([10, 20, 30, 200, 100, 50, 7, 8, 9])
    assert own(packed(image, "PNG")).transpose(1, 2, 0).tolist() == [[[10, 20, 30], [200, 100, 50], [7, 8, 9]]]
    seen = own(packed(image, "PNG", transparency=1)).transpose(1, 2, 0).tolist()
    assert seen == [[[10, 20, 30], [255, 255, 255], [7, 8, 9]]]


def test_a_palette_of_greys_is_grey():
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    image.putpalette([10, 10, 10, 200, 200, 200, 7, 7, 7])
    data = packed(image, "PNG")
    assert facts(data).channels == 1
    assert own(data).ravel().tolist() == [10, 200, 7]


def test_cmyk_becomes_rgb():
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # no cyan: red
    red, green, blue = own(packed(image, "JPEG", quality=95)).reshape(3, -1).mean(1)
    assert red > 240
    assert green < 15
    assert blue < 15


def test_rgb_as_grey_by_its_luma():
    out = decode(packed(RGB, "PNG"), ImageSize(1, 11, 17))
    assert np.abs(out[0] - RGB @ [0.299, 0.587, 0.114]).max() <= 0.51
    grey = decode(packed(GREY, "PNG"), ImageSize(3, 11, 17))
    np.testing.assert_array_equal(grey, np.stack([GREY] * 3))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_an_animation(kind):
    frames = [Image.new("RGB", (6, 5), colour) for colour in ("red", "lime", "blue")]
    data = packed(frames[0], kind, save_all=True, append_images=frames[1:])
    assert own(data).reshape(3, -1).T.tolist() == [[255, 0, 0]] * 30


# Orientation: all eight, against numpy's own turns.

UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_orientation(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = packed(RGB, kind, **({"tiffinfo": {0x0112: orientation}} if kind == "TIFF" else {"exif": exif}))
    upright = UPRIGHT[orientation](RGB)
    assert facts(data)[:2] == upright.shape[:2]
    np.testing.assert_array_equal(own(data), upright.transpose(2, 0, 1))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_a_jpeg(orientation):
    corner = np.zeros((16, 32, 3), np.uint8)
    corner[:8, :8] = 255  # the top left
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = packed(corner, "JPEG", exif=exif, quality=95)
    upright = UPRIGHT[orientation](corner).transpose(2, 0, 1).astype(int)
    assert np.abs(own(data) - upright).max() < 40


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("exif", [b"Exif\0\0MM\0\x2a\xff\xff\xff\xff", b"Exif\0\0", b"Exif\0\0garbage" * 3])
def test_damaged_exif_data_say_nothing(exif):
    data = packed(RGB, "JPEG", exif=exif)
    assert own(data).shape == (3, 11, 17)


# Sizes.


@pytest.mark.parametrize(("height", "width"), [(40, 60), (60, 40), (37, 37), (200, 41)])
def test_the_middle_is_cropped_and_averaged(height, width):
    """Against Pillow's own resize of the cut box, and, for an exact factor, against plain means."""
    image = RNG.integers(0, 256, (height, width, 3), np.uint8)
    out = decode(packed(image, "PNG"), ImageSize(3, 20, 20)).transpose(1, 2, 0)
    side = min(height, width)
    top, left = (height - side) / 2, (width - side) / 2
    box = (left, top, left + side, top + side)
    np.testing.assert_array_equal(out, Image.fromarray(image).resize((20, 20), Image.Resampling.BILINEAR, box))


def test_a_resize_is_antialiased():
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))  # one pixel wide: must become grey
    out = decode(packed(stripes, "PNG"), ImageSize(1, 8, 8))[0, 1:-1, 1:-1]
    assert np.abs(out.astype(int) - 127).max() <= 3


def test_other_proportions_than_square():
    image = np.zeros((30, 60), np.uint8)
    image[:, 20:40] = 200  # the middle third is what a box of 3 by 2 and full height shows; neighbours soften its rim
    out = decode(packed(image, "PNG"), ImageSize(1, 15, 10))
    assert (out[:, :, 1:-1] == 200).all()
    assert (out > 150).all()


def test_a_large_jpeg_is_decoded_small_and_still_the_same():
    smooth = np.add.outer(np.sin(np.arange(800) / 90), np.cos(np.arange(1200) / 70)) * 60 + 128
    image = np.repeat(smooth[:, :, None], 3, 2).astype(np.uint8)
    small = decode(packed(image, "JPEG", quality=95), ImageSize(3, 32, 32)).astype(int)
    exact = decode(packed(image, "PNG"), ImageSize(3, 32, 32))
    assert np.abs(small - exact).max() <= 4


def test_small_pictures_grow():
    assert decode(packed(np.full((3, 5), 77, np.uint8), "PNG"), ImageSize(1, 32, 32)).tolist() == [[[77] * 32] * 32]


def test_nothing_is_changed_and_results_are_own():
    data = packed(RGB, "PNG")
    first = own(data)
    first[:] = 0
    np.testing.assert_array_equal(own(data), RGB.transpose(2, 0, 1))


# What cannot be decoded, and why (I1 to I7, I12).

NOISE = packed(RNG.integers(0, 256, (64, 64, 3), np.uint8), "PNG")
PHOTO = packed(RNG.integers(0, 256, (64, 64, 3), np.uint8), "JPEG")
BROKEN = {
    "truncated jpeg": (PHOTO[: len(PHOTO) // 2], "truncated"),
    "truncated png": (NOISE[: len(NOISE) // 2], "truncated"),
    "truncated webp": (packed(RGB, "WEBP")[:60], "damaged WEBP header"),
    "truncated gif": (packed(GREY, "GIF")[:-60], "truncated"),
    "truncated bmp": (packed(RGB, "BMP")[:200], "truncated"),
    "truncated tiff": (packed(RGB, "TIFF")[:60], "damaged TIFF header"),
    "jpeg header only": (PHOTO[:20], "damaged JPEG header"),
    "png header only": (NOISE[:20], "damaged PNG header"),
    "text": (b"these are not pixels\n", "not an image: text"),
    "html": (b"\n<!DOCTYPE html><html>404", "not an image: begins like HTML"),
    "svg": (b'<?xml version="1.0"?>\n<svg xmlns="x"></svg>', "an SVG drawing"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer"),
    "heic": (b"\0\0\0\x18ftypheic" + bytes(40), "HEIC, AVIF or a video"),
    "zeros": (bytes(500), "not an image: zeros"),
    "random": (bytes(range(128, 256)) * 3, "not an image of a known kind"),
    "damaged png": (NOISE.replace(NOISE[50:60], NOISE[50:60][::-1]), r"damaged \(a checksum is wrong\)"),
    "crc": (NOISE[:-14] + bytes(2) + NOISE[-12:], r"damaged \(a checksum is wrong\)"),
    "zero width": (png(0, 4, 8, 0, b""), "damaged PNG header, or a width or height of 0"),
    "zero height": (png(4, 0, 8, 0, b""), "damaged PNG header, or a width or height of 0"),
    "bomb": (png(12_000, 12_000, 8, 0, b""), "144 megapixels, the limit is 64"),
    "huge bomb": (png(20_000, 20_000, 8, 0, b""), "400 megapixels, the limit is 64"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "not an image: text"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_have_reasons(name):
    data, reason = BROKEN[name]
    with pytest.raises(UnreadableFileError, match=f"^{reason}"):
        decode(data, ImageSize(3, 32, 32))


def test_a_bomb_costs_nothing():
    """140 kB that unpack to 144 million pixels; Pillow's own limit is a variable of the process, and stays."""
    before = Image.MAX_IMAGE_PIXELS
    bomb = png(12_000, 12_000, 8, 0, b"\0" * (12_001 * 12_000))
    assert len(bomb) < 150_000
    with pytest.raises(UnreadableFileError, match="144 megapixels"):
        decode(bomb, ImageSize(1, 32, 32))
    assert before == Image.MAX_IMAGE_PIXELS


def test_the_limit_itself_is_allowed(monkeypatch):
    monkeypatch.setattr(decoding, "MAX_PIXELS", 11 * 17)
    assert own(packed(RGB, "PNG")).shape == (3, 11, 17)
    monkeypatch.setattr(decoding, "MAX_PIXELS", 11 * 17 - 1)
    with pytest.raises(UnreadableFileError, match="megapixels"):
        decode(packed(RGB, "PNG"), ImageSize(3, 11, 17))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", [*LOSSLESS, "JPEG", "GIF"])
def test_damage_anywhere_is_a_picture_or_a_reason(kind):
    data = packed(RGB if kind != "GIF" else GREY, kind)
    for _ in range(150):
        at = int(RNG.integers(len(data)))
        cut = int(RNG.integers(len(data)))
        for bad in (data[:at] + bytes([int(RNG.integers(256))]) + data[at + 1 :], data[:cut]):
            try:
                out = decode(bad, ImageSize(3, 16, 16))
            except UnreadableFileError as error:
                said = str(error)
            else:
                said = out.shape
            assert said == (3, 16, 16) or (isinstance(said, str) and 0 < len(said) < 200 and said.isprintable())
