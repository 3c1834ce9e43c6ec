"""Draw small pictures of records on one sheet: images, log-mel spectrograms of audio, and curves of series."""

import base64
from collections.abc import Iterator
from io import BytesIO
from math import ceil, isqrt
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor
from torch.nn.functional import interpolate

from contramix.models.inference import device_of
from contramix.models.pretrained import Pretrained
from contramix.samples.padded_sequences import PaddedSequences
from contramix.samples.samples import sequential_batches
from contramix.types import Activations, get_values

MAX_PIXELS = 4_000_000
"""Maximum number of pixels of the sheet, which limits its size to about 1.5 MB."""
SIDES = 16, 48
"""Minimum and maximum side length of a picture in pixels."""
MAX_CURVES = 4
"""Maximum number of channels of a series that are drawn."""


class Sheet(NamedTuple):
    """Store a JPEG image that consists of small square pictures, one for each record, arranged in a grid.

    Parameters
    ----------
    uri
        JPEG image as a data URI.
    side
        Height and width of a picture in pixels.
    across
        Number of pictures in a row.
    rows
        Number of rows of pictures.
    """

    uri: str
    side: int
    across: int
    rows: int


def draw_sheet(model: Pretrained, table: pa.Table) -> Sheet | None:
    """Draw a small picture of each record of a table on one sheet: the input that the network receives.

    Returns None if the inputs are neither images, spectrograms nor series, if the table is empty, or if Pillow is not
    installed.
    """
    inputs = model.spec.inputs()
    pictured = inputs.kind == "values" and len(inputs.shape) == 3 and inputs.shape[0] in (1, 3)
    if not (pictured or inputs.kind == "steps") or table.num_rows == 0:
        return None
    try:
        from PIL import Image
    except ImportError:
        return None
    n = table.num_rows
    side = min(max(SIDES[0], isqrt(MAX_PIXELS // n)), SIDES[1])
    across = ceil(n**0.5)
    rows = ceil(n / across)
    sheet = np.full((rows * side, across * side, inputs.shape[0] if pictured else 1), 255, np.uint8)
    device = device_of(model.encoder)
    position = 0
    for batch in sequential_batches(model.spec.tensorize(table)):
        seen = model.encoder.front(batch.to(device))
        for picture in _shrunk(get_values(seen), side) if pictured else _curves(seen, side):
            top, left = side * (position // across), side * (position % across)
            sheet[top : top + side, left : left + side] = picture
            position += 1
    sink = BytesIO()
    Image.fromarray(sheet[:, :, 0] if sheet.shape[2] == 1 else sheet).save(sink, "JPEG", quality=80)
    return Sheet(f"data:image/jpeg;base64,{base64.b64encode(sink.getvalue()).decode()}", side, across, rows)


def _shrunk(x: Float[Tensor, " B C H W"], side: int) -> UInt8[ndarray, " B side side C"]:
    small = interpolate(x, (side, side), mode="area")
    return np.asarray((255 * small.clamp(0, 1)).round().byte().permute(0, 2, 3, 1).cpu().numpy())


def _curves(x: Activations, side: int) -> Iterator[UInt8[ndarray, " side side 1"]]:
    """Yield a picture of ``side * side`` pixels for each series, with one curve for each of at most 4 channels.

    The vertical axis runs from the lowest to the highest value that is drawn.
    """
    from PIL import Image, ImageDraw

    values = get_values(x).cpu().numpy()
    lengths = x.presence.sum(1).long().tolist() if isinstance(x, PaddedSequences) else [values.shape[2]] * len(values)
    for series, length in zip(values, lengths):
        channels = series[:MAX_CURVES, :length]
        low, high = float(channels.min()), float(channels.max())
        across = np.linspace(1, side - 2, length)
        down = side - 2 - (channels - low) / ((high - low) or 1.0) * (side - 3)
        image = Image.new("L", (side, side), 255)
        for channel in down:
            ImageDraw.Draw(image).line(list(zip(across.tolist(), channel.tolist())), fill=0)
        yield np.asarray(image)[:, :, None]
