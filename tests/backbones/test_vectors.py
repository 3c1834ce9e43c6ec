"""Test that vectors are computed once, in batches that do not depend on what is known, and kept in a folder."""

import hashlib

import numpy as np
import pytest

from contramix.backbones import vectors
from contramix.backbones.vectors import Content, compute_vectors
from contramix.errors import InputError

TEXTS = ["bb", "a", "dddd", "a", "ccc", "ee", "f"]


class Counting:
    """Return the length of a text and the size of its batch, and count the texts."""

    width, weights_sha256, library, image_size = 2, "0", "none", None

    def __init__(self, fails_at: int | None = None) -> None:
        self.seen: list[str] = []
        self.fails_at = fails_at

    def encode(self, values):
        if self.fails_at is not None and len(self.seen) >= self.fails_at:
            raise KeyboardInterrupt
        self.seen += values
        return np.array([[len(value), len(values)] for value in values], np.float32)


def content(texts):
    keys = [hashlib.sha256(text.encode()).digest()[:16] for text in texts]
    return Content(keys, [len(text) for text in texts], lambda rows: [texts[row] for row in rows])


def test_equal_records_are_computed_once_in_batches_of_similar_length():
    backbone = Counting()
    found = compute_vectors(backbone, content(TEXTS), 2)
    assert found[:, 0].tolist() == [2, 1, 4, 1, 3, 2, 1]
    assert sorted(backbone.seen) == sorted(set(TEXTS))
    assert [len(text) for text in backbone.seen] == [1, 1, 2, 2, 3, 4]


def test_an_interrupted_pass_continues_and_gives_the_same_vectors(tmp_path):
    whole = compute_vectors(Counting(), content(TEXTS), 4)
    first = Counting(fails_at=4)
    with pytest.raises(KeyboardInterrupt):
        compute_vectors(first, content(TEXTS), 4, tmp_path)
    second = Counting()
    np.testing.assert_array_equal(compute_vectors(second, content(TEXTS), 4, tmp_path), whole)
    assert len(first.seen) == 4
    assert not set(first.seen) & set(second.seen)
    third = Counting()
    np.testing.assert_array_equal(compute_vectors(third, content(TEXTS), 4, tmp_path), whole)
    assert not third.seen


def test_vectors_are_written_while_they_are_computed(tmp_path, monkeypatch):
    monkeypatch.setattr(vectors, "SECONDS", -1.0)
    compute_vectors(Counting(), content(TEXTS), 2, tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("damage", [lambda data: data[:40], lambda data: data[:-1] + bytes([data[-1] ^ 1])])
def test_a_damaged_file_of_vectors_is_computed_again(tmp_path, damage):
    whole = compute_vectors(Counting(), content(TEXTS), 2, tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    again = Counting()
    np.testing.assert_array_equal(compute_vectors(again, content(TEXTS), 2, tmp_path), whole)
    assert len(again.seen) == len(set(TEXTS))


def test_vectors_that_are_not_finite_are_refused():
    backbone = Counting()
    backbone.encode = lambda values: np.full((len(values), 2), np.nan, np.float32)
    with pytest.raises(InputError, match="not finite"):
        compute_vectors(backbone, content(TEXTS), 2)
