"""Generate random labeled records in the format of a data set, to test within a minute that a suite runs."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
from numpy import ndarray

from contramix.domains import DOMAINS
from contramix.io.records import LABEL
from contramix.recipe import Recipe

ROWS, CLASSES = 240, 3


def classes() -> ndarray:
    """Return the class of each of the 240 generated records as an array of integers: 0, 1, 2, 0, 1, 2, ..."""
    return np.arange(ROWS) % CLASSES


def table(target: str, columns: int, categorical: int = 0, regression: bool = False) -> pa.Table:
    """Generate a table of 240 rows in which numeric and categorical columns depend on the class of the row.

    Parameters
    ----------
    target
        Name of the target column.
    columns, categorical
        Number of numeric columns, and number of categorical columns.
    regression
        If True, the target is a number; otherwise it is one of "class 0" to "class 2".
    """
    draw, y = np.random.default_rng(0), classes()
    truth = y + draw.normal(0, 0.1, ROWS) if regression else np.array([f"class {n}" for n in y])
    features = {f"x{n}": draw.normal(y * draw.random(), 1, ROWS) for n in range(columns)}
    features |= {f"c{n}": np.array(list("abc"))[(y + draw.integers(0, 2, ROWS)) % 3] for n in range(categorical)}
    return pa.table({**features, target: truth})


def images(shape: tuple[int, ...]) -> pa.Table:
    """Generate 240 labeled images of waves whose wavelength depends on the class.

    ``shape`` is (height, width, channels). The result is a table with a column of images and a column of labels.
    """
    draw, y = np.random.default_rng(0), classes()
    wave = np.sin(np.arange(shape[0])[None] / (1 + y[:, None]) + draw.random((ROWS, 1)) * 6)
    values = 128 + 60 * wave[:, :, None, None] + draw.normal(0, 20, (ROWS, *shape))
    pixels = values.clip(0, 255).astype(np.uint8)
    return _with_labels(DOMAINS["image"].from_values(pixels, Recipe.load("npair", domain="image").data).table)


def clips() -> pa.Table:
    """Generate a table of 240 labeled audio clips of 0.25 s: noisy sine waves whose pitch depends on the class."""
    draw, y = np.random.default_rng(0), classes()
    time, pitch = np.arange(4000) / 16000, 300 * (1 + y[:, None])
    values = 0.4 * np.sin(2 * np.pi * pitch * time + draw.random((ROWS, 1)) * 6) + draw.normal(0, 0.05, (ROWS, 4000))
    settings = Recipe.load("npair", {"audio.sample_rate_hz": 16000}, domain="audio").data
    return _with_labels(DOMAINS["audio"].from_values(values.astype(np.float32).clip(-1, 1), settings).table)


def graphs() -> pa.Table:
    """Generate a table of 240 labeled graphs: rings of 8 to 15 nodes with chords.

    The class of a graph determines the number of chords.
    """
    draw, objects = np.random.default_rng(0), []
    for y in classes():
        nodes = int(draw.integers(8, 16))
        ring = np.stack([np.arange(nodes), (np.arange(nodes) + 1) % nodes])
        chords = draw.integers(0, nodes, (2, 4 * int(y) + 1))
        edges = np.concatenate([ring, chords], 1)
        objects.append(SimpleNamespace(num_nodes=nodes, edge_index=np.concatenate([edges, edges[::-1]], 1)))
    return _with_labels(DOMAINS["graph"].from_values(objects, Recipe.load("npair", domain="graph").data).table)


def _with_labels(records: pa.Table) -> pa.Table:
    return records.append_column(LABEL, pa.array([f"class {y}" for y in classes()]))
