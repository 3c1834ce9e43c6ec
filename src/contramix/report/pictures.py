"""Records that are pictures, small, on one sheet: images as they are, sounds as the log-mel that the network sees."""

import base64
from io import BytesIO
from math import ceil, isqrt
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch
from torch.nn.functional import interpolate

from contramix.pretrained import Pretrained
from contramix.samples import in_order

MOST_PIXELS = 4_000_000
"""Of the sheet, so that it takes about 1.5 MB."""
SIDES = 16, 48
"""Least and most pixels of a picture's side."""


class Sheet(NamedTuple):
    """Pictures of all points of a map, row by row."""

    uri: str
    """The sheet as a data URI."""
    side: int
    """Pixels of a picture, in height and width."""
    across: int
    """Pictures in a row of the sheet."""
    rows: int
    """Rows of the sheet."""


def sheet_of(model: Pretrained, table: pa.Table) -> Sheet | None:
    """The records of a table as the network sees them; None where its inputs are no pictures, or Pillow is missing."""
    shape = model.spec.inputs().shape
    if len(shape) != 3 or shape[0] not in (1, 3) or table.num_rows == 0:
        return None
    try:
        from PIL import Image
    except ImportError:
        return None
    n = table.num_rows
    side = min(max(SIDES[0], isqrt(MOST_PIXELS // n)), SIDES[1])
    across = ceil(n**0.5)
    rows = ceil(n / across)
    sheet = np.full((rows * side, across * side, shape[0]), 255, np.uint8)
    device = next(model.encoder.parameters(), torch.empty(0)).device
    place = 0
    for batch in in_order(model.spec.tensorize(table)):
        small = interpolate(model.encoder.front(batch.to(device)), (side, side), mode="area")
        for picture in (255 * small.clamp(0, 1)).round().byte().permute(0, 2, 3, 1).cpu().numpy():
            top, left = side * (place // across), side * (place % across)
            sheet[top : top + side, left : left + side] = picture
            place += 1
    sink = BytesIO()
    Image.fromarray(sheet[:, :, 0] if shape[0] == 1 else sheet).save(sink, "JPEG", quality=80)
    return Sheet(f"data:image/jpeg;base64,{base64.b64encode(sink.getvalue()).decode()}", side, across, rows)
