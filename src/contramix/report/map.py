"""Project representations to a map in two dimensions, and find the nearest neighbors of each point."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float32, Int64
from numpy import ndarray

from contramix.errors import InputError, nearest
from contramix.models.pretrained import Pretrained
from contramix.report.pictures import Sheet, draw_sheet
from contramix.runtime.randomness import Key

Method = Literal["pca", "tsne"]
MAX_POINTS = 10_000
"""Default maximum number of points on a map."""
MAX_POINTS_TSNE = 3_000
"""Maximum number of points for t-SNE, which takes about half a minute for them."""
NEIGHBORS = 10
"""Number of nearest neighbors to find for each point."""
LETTERS = 120
"""Total number of letters to keep of all texts of a record, which limits the file size. Each column keeps 20 to 80."""


@dataclass(frozen=True)
class Map:
    """Describe a two-dimensional map of representations, with one point for each record.

    Parameters
    ----------
    xy
        Coordinates of the points.
    rows
        Row number of each point in the table, starting at 0, in increasing order.
    columns
        For each column to show, its name and its values at the points. The target is the first column. Missing values
        are None.
    neighbors, distances
        Nearest other points of each point (as positions in ``rows``), and Euclidean distances between their
        representations.
    method
        Description of the projection, such as ``"t-SNE, perplexity 30: ..."``.
    axes
        Labels of the two axes; empty if the axes have no meaning.
    pictures
        Small pictures of the records on one sheet; None if records are neither images, audio nor series.
    """

    xy: Float32[ndarray, " n 2"]
    rows: Int64[ndarray, " n"]
    columns: dict[str, list[Any]]
    neighbors: Int64[ndarray, " n k"]
    distances: Float32[ndarray, " n k"]
    method: str
    axes: tuple[str, str] = ("", "")
    pictures: Sheet | None = None


def embed_map(
    model: Pretrained,
    table: pa.Table,
    target: str | None = None,
    keep: Sequence[str] = (),
    most: int = MAX_POINTS,
    seed: int = 0,
    method: Method = "pca",
) -> Map:
    """Compute a model's representations of a table, and return a map of them.

    Only the rows that are shown are embedded. Images, audio and series are also drawn as small pictures.

    Parameters
    ----------
    model, table
        Pre-trained model, and the rows to embed.
    target, keep
        Name of the column to color points by, and names of further columns to show.
    most, seed
        Maximum number of points, and seed of the random sample that is shown if the table has more rows.
    method
        How to project the representations: ``"pca"`` or ``"tsne"`` (slow; at most 3,000 points).

    Raises
    ------
    InputError
        If a column does not exist, or the model cannot read the rows.
    """
    rows = sample_rows(table.num_rows, _at_most(most, method), seed)
    part = table.take(pa.array(rows))
    chosen_map = make_map(model.embed(part), part, target, keep, most=len(rows), seed=seed, method=method, rows=rows)
    return replace(chosen_map, pictures=draw_sheet(model, part))


def make_map(
    z: Float32[ndarray, " n d"],
    table: pa.Table,
    target: str | None = None,
    keep: Sequence[str] = (),
    *,
    most: int = MAX_POINTS,
    seed: int = 0,
    method: Method = "pca",
    rows: Int64[ndarray, " n"] | None = None,
) -> Map:
    """Return a map of representations in two dimensions.

    Parameters
    ----------
    z, table
        Representations, and the rows that they represent.
    target, keep
        Name of the column to color points by, and names of further columns to show.
    most
        Maximum number of points. If there are more rows, a random sample is shown.
    seed
        Seed of the sample and of the projection.
    method
        ``"pca"``; or ``"tsne"``, which is slow and limited to 3,000 points.
    rows
        Row numbers to store in the map if the table is itself a sample; None for 0, 1, 2 and so on.

    Raises
    ------
    InputError
        If a column does not exist.

    Examples
    --------
    >>> z = np.array([[0, 0], [1, 0], [9, 0]], np.float32)
    >>> made = make_map(z, pa.table({"label": ["a", "a", "b"]}), "label")
    >>> made.neighbors[:, 0].tolist(), made.distances[:, 0].tolist()
    ([1, 0, 1], [1.0, 1.0, 8.0])
    """
    names = list(dict.fromkeys([*([] if target is None else [target]), *keep]))
    for name in names:
        if name not in table.column_names:
            raise InputError(f"there is no column {name!r} to show; {nearest(name, table.column_names)}")
    chosen = sample_rows(len(z), _at_most(most, method), seed)
    part, z = table.select(names).take(pa.array(chosen)), z[chosen]
    xy, how, axes = _plane(z, seed, method)
    neighbors, distances = nearest_neighbors(z)
    return Map(
        xy=xy,
        rows=chosen if rows is None else rows[chosen],
        columns=_values(part),
        neighbors=neighbors,
        distances=distances,
        method=how,
        axes=axes,
    )


def _at_most(most: int, method: Method) -> int:
    return min(most, MAX_POINTS_TSNE) if method == "tsne" else most


def sample_rows(rows: int, most: int, seed: int) -> Int64[ndarray, " n"]:
    """Draw at most ``most`` of ``rows`` row numbers at random without replacement, and return them sorted."""
    if rows <= most:
        return np.arange(rows)
    order = torch.randperm(rows, generator=Key(seed).at("map").generator())
    return np.asarray(order[:most].sort().values.numpy())


def nearest_neighbors(
    z: Float32[ndarray, " n d"], k: int = NEIGHBORS
) -> tuple[Int64[ndarray, " n k"], Float32[ndarray, " n k"]]:
    """Find the ``k`` nearest other rows of each row, and return their row numbers and Euclidean distances.

    Both arrays have one row for each row of ``z``, with the nearest first. They have fewer than ``k`` columns if there
    are fewer other rows.
    """
    from sklearn.neighbors import NearestNeighbors

    k = min(k, len(z) - 1)
    if k < 1:
        return np.zeros((len(z), 0), np.int64), np.zeros((len(z), 0), np.float32)
    distances, places = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(z).kneighbors()
    return places.astype(np.int64), distances.astype(np.float32)


def _plane(
    z: Float32[ndarray, " n d"], seed: int, method: Method
) -> tuple[Float32[ndarray, " n 2"], str, tuple[str, str]]:
    if method == "tsne" and len(z) >= 5 and np.ptp(z, axis=0).any():
        from sklearn.manifold import TSNE

        perplexity = min(30.0, (len(z) - 1) / 3)
        init = "pca" if z.shape[1] > 1 else "random"
        xy = TSNE(2, perplexity=perplexity, init=init, random_state=seed).fit_transform(z)
        words = f"t-SNE, perplexity {perplexity:.3g}: neighbors stay close; distances and sizes of groups mean nothing"
        return np.asarray(xy, np.float32), words, ("", "")
    from sklearn.decomposition import PCA

    k = min(2, *z.shape)
    pca = PCA(k, random_state=seed)
    with np.errstate(divide="ignore", invalid="ignore"):  # all representations are equal
        shares = np.zeros(2)
        xy = np.zeros((len(z), 2), np.float32)
        if len(z) > 1:
            xy[:, :k] = pca.fit_transform(z)
            shares[:k] = np.nan_to_num(pca.explained_variance_ratio_)
    first, second = (f"{100 * share:.0f} %" for share in shares)
    words = f"the first two principal components, which explain {first} and {second} of the variance"
    return xy, words, (f"first component ({first} of the variance)", f"second component ({second})")


def _values(table: pa.Table) -> dict[str, list[Any]]:
    """Convert a table to a dictionary from column name to a list of JSON values, with long texts truncated.

    Dates and times become text. Missing values and NaN become None.
    """
    texts = [name for name in table.column_names if _is_text(table.column(name).type)]
    letters = max(20, min(80, LETTERS // max(1, len(texts))))
    return {name: [_plain(v, letters) for v in table.column(name).to_pylist()] for name in table.column_names}


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _plain(value: Any, letters: int) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else None if np.isnan(value) else str(value)
    if isinstance(value, datetime) and value.time() == datetime.min.time():
        value = value.date()
    text = value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
    return text if len(text) <= letters or isinstance(value, date) else f"{text[: letters - 1]}…"
