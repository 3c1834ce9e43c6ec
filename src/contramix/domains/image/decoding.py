"""Decode one image file: upright, 8 bits, grayscale or RGB, of a given size.

Color profiles are ignored, transparency is blended with white, and the first frame of an animation is used.
"""

import zlib
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import UInt8

from contramix.domains.image.size import ImageSize
from contramix.errors import InputError, first_line
from contramix.io.media.media_file import UnreadableFileError

if TYPE_CHECKING:
    from PIL.Image import Image

ENDINGS = (".png", ".jpg", ".jpeg", ".jpe", ".webp", ".bmp", ".gif", ".tif", ".tiff")
MAX_PIXELS = 64_000_000
"""Maximum number of pixels. Larger images are rejected before decoding: a file of 140 kB can hold 144 million."""
_GRAY_MODES = ("1", "L", "LA", "La", "I", "F")
_ORIENTATION = 0x0112


class ImageHeader(NamedTuple):
    """Hold the size of an image after its EXIF rotation, and its number of channels: 1 if it is grayscale, else 3."""

    height: int
    width: int
    channels: int


def check_pillow() -> None:
    """Raise an InputError unless Pillow is installed."""
    try:
        import PIL.Image  # noqa: F401
    except ImportError:
        raise InputError("reading images needs pillow: pip install 'contramix[image]'") from None


def facts(data: bytes) -> ImageHeader:
    """Read the size and the channels of an image file from its header, without decoding its pixels.

    The size is that after the EXIF rotation.

    Raises
    ------
    UnreadableFileError
        If it is not an image, its header is damaged, or it has more than 64 million pixels.
    """
    return header(_opened(data))


def header(image: "Image") -> ImageHeader:
    """Return the size of a Pillow image after its EXIF rotation, and 1 channel if it is grayscale, else 3."""
    width, height = image.size[::-1] if _orientation(image) >= 5 else image.size
    return ImageHeader(height, width, 1 if _is_gray(image) else 3)


def decode(data: bytes, size: ImageSize) -> UInt8[np.ndarray, " C H W"]:
    """Decode an image file, crop the largest centered box with the aspect ratio of ``size``, and resize it to ``size``.

    The image is rotated by its EXIF orientation first. Resizing is bilinear with antialiasing. If ``size.channels`` is
    1, the result is grayscale, else RGB.

    Raises
    ------
    UnreadableFileError
        If the file cannot be decoded, or has more than 64 million pixels.
    """
    image = _opened(data)
    if image.format == "PNG":
        _check_sums(data)
    shortest = max(size.height, size.width)
    image.draft("RGB", (2 * shortest, 2 * shortest))  # a JPEG is decoded at the scale that is needed
    try:
        image.load()
        return pixels(image, size)
    except (UnreadableFileError, MemoryError):
        raise
    except Exception as error:  # Pillow's decoders raise anything on damaged data
        raise UnreadableFileError(_reason(error)) from None


def pixels(image: "Image", size: ImageSize) -> UInt8[np.ndarray, " C H W"]:
    """Rotate, center-crop and resize a Pillow image as :func:`decode` does, and return its pixels."""
    from PIL.Image import Resampling, Transpose

    turn = _orientation(image)
    image = _to_8_bits(image, "L" if size.channels == 1 else "RGB")
    if turn > 1:
        turns = (
            Transpose.FLIP_LEFT_RIGHT, Transpose.ROTATE_180, Transpose.FLIP_TOP_BOTTOM, Transpose.TRANSPOSE,
            Transpose.ROTATE_270, Transpose.TRANSVERSE, Transpose.ROTATE_90,
        )  # fmt: skip
        image = image.transpose(turns[turn - 2])
    width, height = image.size
    if (height, width) != (size.height, size.width):
        scale = min(width / size.width, height / size.height)
        left, top = (width - scale * size.width) / 2, (height - scale * size.height) / 2
        box = (left, top, left + scale * size.width, top + scale * size.height)
        image = image.resize((size.width, size.height), Resampling.BILINEAR, box)
    array = np.asarray(image)
    return np.ascontiguousarray(array[None] if size.channels == 1 else array.transpose(2, 0, 1))


@lru_cache(maxsize=1)
def _kinds() -> dict[str, tuple[Any, Any]]:
    """Return Pillow's functions for each supported format, such as ``"PNG"``: one opens a file, one recognizes it.

    The second takes the first bytes of a file. `PIL.Image.open` is not used, as its limit on pixels is global to the
    process, and as it would try all formats.
    """
    check_pillow()
    from PIL import (  # noqa: F401 - each registers itself
        BmpImagePlugin,
        GifImagePlugin,
        Image,
        JpegImagePlugin,
        PngImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )

    return {kind: Image.OPEN[kind] for kind in ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")}


def _opened(data: bytes) -> Any:
    found = [(kind, open_as) for kind, (open_as, accepts) in _kinds().items() if accepts(data[:16]) is True]
    if not found:
        raise UnreadableFileError(_foreign(data[:4096]))
    kind, open_as = found[0]
    try:
        image = open_as(BytesIO(data), "")
    except MemoryError:
        raise
    except Exception as error:  # the plugins raise anything on a damaged header
        said = str(error)
        no_pixels = "not identified" in said or "zero" in said
        raise UnreadableFileError(
            f"damaged {kind} header{', or a width or height of 0' if no_pixels else ''}"
        ) from None
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UnreadableFileError(f"{width * height / 1e6:.0f} megapixels, the limit is {MAX_PIXELS // 1_000_000}")
    return image


def _check_sums(data: bytes) -> None:
    """Raise an UnreadableFileError if a checksum of the pixel data of a PNG file is wrong.

    Pillow does not verify these checksums, and would decode some damaged files without an error.
    """
    view, at = memoryview(data), 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(view[at : at + 4], "big")
        pixels_here = data[at + 4 : at + 8] == b"IDAT" and end + 4 <= len(data)
        if pixels_here and zlib.crc32(view[at + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            raise UnreadableFileError("damaged (a checksum is wrong)")
        at = end + 4


def _orientation(image: "Image") -> int:
    """Return the EXIF orientation of an image, from 1 (upright) to 8.

    The result is 1 if EXIF data are missing or damaged, and for TIFF files, which Pillow rotates itself.
    """
    if image.format == "TIFF":
        return 1
    try:
        turn = image.getexif().get(_ORIENTATION, 1)
    except Exception:
        return 1
    return turn if turn in range(1, 9) else 1


def _is_gray(image: "Image") -> bool:
    if image.mode == "P":
        entries = np.array(image.getpalette() or [0, 1, 2]).reshape(-1, 3)
        return bool((entries == entries[:, :1]).all())
    return image.mode in _GRAY_MODES or image.mode.startswith("I;16")


def _to_8_bits(image: "Image", mode: str) -> "Image":
    """Convert an image to the mode ``"L"`` (grayscale) or ``"RGB"``, with 8 bits per channel.

    Pixels of more than 8 bits are scaled by the maximum of their type, not clipped. Transparency is blended with white.
    """
    from PIL import Image

    if image.mode.startswith("I;16"):
        image = Image.fromarray(_scaled(np.asarray(image), 65535))
    elif image.mode == "I":
        image = Image.fromarray(_scaled(*_integers(image)))
    elif image.mode == "F":
        image = Image.fromarray(_from_floats(np.asarray(image)))
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")
    return image if image.mode == mode else image.convert(mode)


def _integers(image: "Image") -> tuple[np.ndarray, int]:
    """Return the pixels of an image of mode ``"I"``, and the largest value that the pixel type of its file can hold.

    The pixels are int64. The largest value is, for example, 65,535 for a PNG file of 16 bits.
    """
    values = np.asarray(image).astype(np.int64)
    tags: Any = getattr(image, "tag_v2", {})
    bits = tags.get(258, (16 if image.format == "PNG" else 32,))[0]
    signed = tags.get(339, (1 if image.format == "PNG" else 2,))[0] == 2
    if bits == 32 and not signed:
        values %= 1 << 32  # Pillow stores them as signed
    return values, (1 << (bits - signed)) - 1


def _scaled(values: np.ndarray, top: int) -> np.ndarray:
    if values.min() < 0:
        raise UnreadableFileError("pixels below 0")
    return ((values.astype(np.int64) * 510 + top) // (2 * top)).astype(np.uint8)  # rounded to the nearest


def _from_floats(values: np.ndarray) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 255):  # NaN too
        raise UnreadableFileError(f"float pixels from {low:g} to {high:g}: scale them to 0..1 or 0..255")
    scaled: np.ndarray = np.rint(values * (255 if high <= 1 else 1)).astype(np.uint8)
    return scaled


def _reason(error: Exception) -> str:
    said = first_line(error, 80)
    if "truncated" in said.lower() or "unexpected end" in said.lower() or isinstance(error, EOFError):
        return "truncated"
    return f"damaged ({said or type(error).__name__})"


def _foreign(head: bytes) -> str:
    """Return why a file is not a supported image, as the text of an error, given its first bytes."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in start:
        return "an SVG drawing, which is not read: save it as PNG"
    if start.startswith((b"<!doctype html", b"<html")):
        return "not an image: begins like HTML"
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the image: run 'git lfs pull'"
    if head[4:8] == b"ftyp":
        return "HEIC, AVIF or a video, which are not read: save it as JPEG or PNG"
    if head.isascii() and all(byte >= 32 or byte in b"\t\r\n\f" for byte in head):
        return "not an image: text"
    if not head.strip(b"\0"):
        return "not an image: zeros"
    return "not an image of a known kind (PNG, JPEG, WebP, BMP, GIF, TIFF)"
