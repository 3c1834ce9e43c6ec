"""A map of representations in two dimensions, with the nearest neighbours of each point."""

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
from contramix.report.pictures import Sheet, sheet_of
from contramix.runtime.randomness import Key

Method = Literal["pca", "tsne"]
MOST = 10_000
MOST_TSNE = 3_000
"""t-SNE takes about half a minute for so many."""
NEIGHBOURS = 10
LETTERS = 120
"""Free text of a record is cut to about so many letters in all, so that the file stays small; a column's to 80."""


@dataclass(frozen=True)
class Map:
    """Points on a plane, one a record.

    Parameters
    ----------
    xy
        Where they lie.
    rows
        Which rows of the table they are, from 0, sorted.
    columns
        Values of kept columns by name, the target first; None where missing.
    neighbours, distances
        The nearest other points (places in ``rows``), by Euclidean distance of the whole representations.
    method
        How the map was made, in words.
    axes
        What the two axes are, in words; empty where they mean nothing.
    pictures
        The points as the network sees them, where these are pictures.
    """

    xy: Float32[ndarray, " n 2"]
    rows: Int64[ndarray, " n"]
    columns: dict[str, list[Any]]
    neighbours: Int64[ndarray, " n k"]
    distances: Float32[ndarray, " n k"]
    method: str
    axes: tuple[str, str] = ("", "")
    pictures: Sheet | None = None


def map_of(
    model: Pretrained,
    table: pa.Table,
    target: str | None = None,
    keep: Sequence[str] = (),
    most: int = MOST,
    seed: int = 0,
    method: Method = "pca",
) -> Map:
    """The map of a model's representations; only the rows that are shown are embedded.

    Raises
    ------
    InputError
        If a column is not there, or the model cannot read the rows.
    """
    rows = sample_rows(table.num_rows, _at_most(most, method), seed)
    part = table.take(pa.array(rows))
    made = make_map(model.embed(part), part, target, keep, most=len(rows), seed=seed, method=method, rows=rows)
    return replace(made, pictures=sheet_of(model, part))


def make_map(
    z: Float32[ndarray, " n d"],
    table: pa.Table,
    target: str | None = None,
    keep: Sequence[str] = (),
    *,
    most: int = MOST,
    seed: int = 0,
    method: Method = "pca",
    rows: Int64[ndarray, " n"] | None = None,
) -> Map:
    """Lay representations out on a plane.

    Parameters
    ----------
    z, table
        Representations, and the rows that they are of.
    target, keep
        Columns to colour by and to show.
    most, seed
        A larger table is sampled, by this seed.
    method
        ``"pca"``, or ``"tsne"``, which is slow and takes at most 3,000 points.
    rows
        Numbers of the rows where the table is a sample already.

    Raises
    ------
    InputError
        If a column is not there.

    Examples
    --------
    >>> z = np.array([[0, 0], [1, 0], [9, 0]], np.float32)
    >>> made = make_map(z, pa.table({"label": ["a", "a", "b"]}), "label")
    >>> made.neighbours[:, 0].tolist(), made.distances[:, 0].tolist()
    ([1, 0, 1], [1.0, 1.0, 8.0])
    """
    names = list(dict.fromkeys([*([] if target is None else [target]), *keep]))
    for name in names:
        if name not in table.column_names:
            raise InputError(f"there is no column {name!r} to show; {nearest(name, table.column_names)}")
    chosen = sample_rows(len(z), _at_most(most, method), seed)
    part, z = table.select(names).take(pa.array(chosen)), z[chosen]
    xy, how, axes = _plane(z, seed, method)
    neighbours, distances = nearest_neighbours(z)
    return Map(
        xy=xy,
        rows=chosen if rows is None else rows[chosen],
        columns=_values(part),
        neighbours=neighbours,
        distances=distances,
        method=how,
        axes=axes,
    )


def _at_most(most: int, method: Method) -> int:
    return min(most, MOST_TSNE) if method == "tsne" else most


def sample_rows(rows: int, most: int, seed: int) -> Int64[ndarray, " n"]:
    """At most so many row numbers, sorted, drawn by a seed."""
    if rows <= most:
        return np.arange(rows)
    order = torch.randperm(rows, generator=Key(seed).at("map").generator())
    return np.asarray(order[:most].sort().values.numpy())


def nearest_neighbours(
    z: Float32[ndarray, " n d"], k: int = NEIGHBOURS
) -> tuple[Int64[ndarray, " n k"], Float32[ndarray, " n k"]]:
    """The nearest other rows of each row, and their Euclidean distances, nearest first; fewer where there are fewer."""
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
        words = f"t-SNE, perplexity {perplexity:.3g}: who is near whom is kept, distances and sizes of groups are not"
        return np.asarray(xy, np.float32), words, ("", "")
    from sklearn.decomposition import PCA

    k = min(2, *z.shape)
    pca = PCA(k, random_state=seed)
    with np.errstate(divide="ignore", invalid="ignore"):  # all representations alike
        shares = np.zeros(2)
        xy = np.zeros((len(z), 2), np.float32)
        if len(z) > 1:
            xy[:, :k] = pca.fit_transform(z)
            shares[:k] = np.nan_to_num(pca.explained_variance_ratio_)
    first, second = (f"{100 * share:.0f} %" for share in shares)
    words = f"the first two principal components, which hold {first} and {second} of the variance"
    return xy, words, (f"first component ({first} of the variance)", f"second component ({second})")


def _values(table: pa.Table) -> dict[str, list[Any]]:
    """Columns as plain values for JSON."""
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
