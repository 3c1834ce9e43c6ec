"""Test that samples decoded on demand equal samples in memory."""

import pytest
import torch

from contramix.samples.samples import (
    StreamedSamples,
    compute_fingerprint,
    concatenate_samples,
    inference_batch_size,
    iterate_batches,
    pad_to_min_rows,
    sequential_batches,
    take,
)

X = torch.arange(60, dtype=torch.uint8).reshape(20, 3)


def streamed(x=X, asked=None):
    def decode(index):
        if asked is not None:
            asked.append(index.tolist())
        return x[index]

    return StreamedSamples(tuple(x.shape), x.dtype, decode, "abc")


def test_rows_and_slices():
    s = streamed()
    assert len(s) == 20
    assert torch.equal(s[torch.tensor([3, 1])], X[[3, 1]])
    assert torch.equal(s[2:5], X[2:5])


@pytest.mark.parametrize("x", [X, streamed()], ids=["memory", "streamed"])
def test_batches_follow_the_indexes_in_order(x):
    indexes = [torch.randperm(20)[:4] for _ in range(11)]
    for batch, index in zip(iterate_batches(x, indexes), indexes, strict=True):
        assert torch.equal(batch, X[index])


def test_only_a_few_batches_are_decoded_ahead():
    asked = []
    indexes = (torch.tensor([n]) for n in range(20))
    running = iterate_batches(streamed(asked=asked), indexes)
    next(running)
    running.close()
    assert 1 <= len(asked) <= 5


def test_an_error_of_decoding_reaches_the_loop():
    def decode(index):
        raise RuntimeError("gone")

    with pytest.raises(RuntimeError, match="gone"):
        list(iterate_batches(StreamedSamples((2, 1), torch.uint8, decode, "x"), [torch.tensor([0])]))


@pytest.mark.parametrize("x", [X, streamed()], ids=["memory", "streamed"])
@pytest.mark.parametrize("size", [1, 7, 20, 50])
def test_in_order_gives_each_row_once(x, size):
    assert torch.equal(torch.cat(list(sequential_batches(x, size))), X)


def test_taking_and_joining():
    rows = torch.tensor([5, 5, 0])
    for x in (X, streamed()):
        assert torch.equal(take(x, rows)[torch.tensor([2, 0])], X[[0, 5]])
    for first, second in ((X, X.flip(0)), (streamed(), streamed(X.flip(0))), (X, streamed(X.flip(0)))):
        both = concatenate_samples(first, second)
        index = torch.tensor([21, 0, 39, 19, 20])
        assert len(both) == 40
        assert torch.equal(both[index], torch.cat([X, X.flip(0)])[index])


def test_fingerprints_tell_samples_apart():
    assert compute_fingerprint(X) == compute_fingerprint(X.clone())
    assert compute_fingerprint(X) != compute_fingerprint(X.flip(0))
    assert compute_fingerprint(X) != compute_fingerprint(X.reshape(20, 1, 3))
    one, other = take(streamed(), torch.tensor([0, 1])), take(streamed(), torch.tensor([1, 0]))
    assert compute_fingerprint(one) != compute_fingerprint(other)


def test_large_samples_go_through_an_encoder_a_few_at_a_time():
    assert inference_batch_size(torch.empty(1, 54)) == 8192
    assert inference_batch_size(torch.empty(1, 3, 32, 32)) == 682
    assert inference_batch_size(torch.empty(1, 3, 2000, 2000)) == 32


@pytest.mark.parametrize(("rows", "given"), [(0, 0), (1, 64), (63, 64), (64, 64), (65, 65)])
def test_few_vectors_are_filled_up_with_the_last_one(rows, given):
    x = torch.arange(3.0 * rows).reshape(rows, 3)
    filled = pad_to_min_rows(x)
    assert len(filled) == given
    assert torch.equal(filled[:rows], x)
    assert torch.equal(filled[rows:], x[-1:].expand(given - rows, 3))


def test_a_vectors_product_does_not_depend_on_how_many_come_with_it():
    g = torch.Generator().manual_seed(0)
    x, w = torch.randn(300, 54, generator=g), torch.randn(54, 512, generator=g)
    whole = pad_to_min_rows(x) @ w
    for rows in (1, 2, 3, 5, 8, 31, 63, 64, 100):
        assert torch.equal((pad_to_min_rows(x[:rows]) @ w)[:rows], whole[:rows])


def test_images_are_not_filled_up():
    assert pad_to_min_rows(torch.zeros(2, 3, 8, 8)).shape == (2, 3, 8, 8)
