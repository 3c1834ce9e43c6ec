"""Compare the map of representations with plain numpy."""

import json
import math
from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest

from contramix.errors import InputError
from contramix.report.map import LETTERS, make_map, nearest_neighbors, sample_rows

WORDS = pa.large_string()


def gauss(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def numbered(rows: int) -> pa.Table:
    return pa.table({"n": list(range(rows))})


def test_neighbors_are_those_of_a_double_loop():
    z = gauss(60, 5)
    places, distances = nearest_neighbors(z, 10)
    for i in range(60):
        from_i = sorted((math.dist(z[i].tolist(), z[j].tolist()), j) for j in range(60) if j != i)[:10]
        assert places[i].tolist() == [j for _, j in from_i]
        assert np.allclose(distances[i], [d for d, _ in from_i], rtol=1e-5)


def test_a_record_is_never_its_own_neighbor_even_among_copies():
    z = np.repeat(gauss(4, 3), 20, axis=0)
    places, distances = nearest_neighbors(z, 10)
    assert all(i not in row for i, row in enumerate(places.tolist()))
    assert np.allclose(distances, 0)


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_few_rows_have_few_neighbors(rows, method):
    made = make_map(gauss(rows, 4), numbered(rows), "n", method=method)
    assert made.xy.shape == (rows, 2)
    assert np.isfinite(made.xy).all()
    assert made.neighbors.shape == made.distances.shape == (rows, rows - 1)


@pytest.mark.parametrize("method", ["pca", "tsne"])
@pytest.mark.parametrize("z", [np.ones((30, 4), np.float32), gauss(30, 1)], ids=["collapsed", "one feature"])
def test_poor_representations_have_a_map_too(z, method):
    assert np.isfinite(make_map(z, numbered(30), method=method).xy).all()


def test_pca_keeps_the_distances_of_points_on_a_plane():
    flat = gauss(50, 2)
    z = (flat @ np.linalg.qr(gauss(7, 2, seed=1).astype(np.float64))[0].T).astype(np.float32) + 3
    xy = make_map(z, numbered(50)).xy
    apart = np.linalg.norm(xy[:, None] - xy[None], axis=-1)
    assert np.allclose(apart, np.linalg.norm(flat[:, None] - flat[None], axis=-1), atol=1e-4)


def test_the_words_tell_the_shares_of_variance():
    z = gauss(2000, 3) * np.array([3.0, 2.0, 1.0], np.float32)
    variance = np.sort(np.linalg.eigvalsh(np.cov(z.T)))[::-1]
    first, second = (f"{100 * v / variance.sum():.0f} %" for v in variance[:2])
    made = make_map(z, numbered(2000))
    assert f"{first} and {second}" in made.method
    assert first in made.axes[0]


def test_a_sample_is_sorted_keyed_and_tied_to_its_rows():
    z = gauss(500, 4)
    made, again, other = (make_map(z, numbered(500), "n", most=40, seed=seed) for seed in (3, 3, 4))
    assert made.rows.tolist() == sorted(set(made.rows.tolist()))
    assert made.columns["n"] == made.rows.tolist() == again.rows.tolist()
    assert made.rows.tolist() != other.rows.tolist()
    assert np.array_equal(made.neighbors, nearest_neighbors(z[made.rows])[0])
    assert sample_rows(40, 40, 0).tolist() == list(range(40))


def test_a_sample_of_a_sample_keeps_the_numbers_of_its_rows():
    rows = np.arange(100, 600, 5)
    made = make_map(gauss(100, 4), numbered(100), "n", most=30, rows=rows)
    assert [int(r) for r in made.rows] == [100 + 5 * n for n in made.columns["n"]]


def test_values_are_json_and_free_text_is_cut():
    table = pa.table(
        {
            "text": pa.array(["é" * 500, None, "short"], WORDS),
            "more": pa.array(["x" * 500, "y", "z"], WORDS),
            "number": [1.5, float("nan"), float("inf")],
            "day": pa.array([datetime(2021, 5, 4), None, datetime(2021, 5, 4, 10, 30)], pa.timestamp("us")),
            "flag": [True, None, False],
        }
    )
    columns = make_map(gauss(3, 2), table, "text", ["more", "number", "day", "flag", "text"]).columns
    json.dumps(columns, allow_nan=False)
    assert list(columns) == ["text", "more", "number", "day", "flag"]
    assert columns["text"][0].startswith("éé")
    assert columns["text"][0].endswith("…")
    assert len(columns["text"][0]) + len(columns["more"][0]) <= LETTERS
    assert columns["number"] == [1.5, None, "inf"]
    assert columns["day"] == ["2021-05-04", None, "2021-05-04 10:30:00"]
    assert columns["flag"] == [True, None, False]


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(InputError, match=r"no column 'N' to show; did you mean 'n'"):
        make_map(gauss(3, 2), numbered(3), "N")
