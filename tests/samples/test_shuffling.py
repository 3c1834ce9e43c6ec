"""Test the shuffled order of very many rows: each row once, the same for the same key, from any start, well mixed."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contramix.runtime.randomness import Key
from contramix.samples import shuffling
from contramix.samples.samples import StreamedSamples
from contramix.samples.shuffling import rebatch, sample_rows, shuffle_by_windows
from contramix.training import loop
from contramix.training.loop import Plan, order, recalibrate_bn


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 300),
    st.integers(1, 20),
    st.integers(1, 6),
    st.integers(0, 320),
    st.integers(1, 9),
    st.integers(0, 3),
)
def test_each_row_once_and_from_any_place_the_rest_of_the_same_order(rows, block, window, start, size, seed):
    how = {"block": block, "window": window}
    whole = torch.cat(list(shuffle_by_windows(rows, Key(seed), **how)))
    assert sorted(whole.tolist()) == list(range(rows))
    rest = [torch.empty(0, dtype=torch.long), *shuffle_by_windows(rows, Key(seed), start, **how)]
    assert torch.equal(torch.cat(rest), whole[start:])
    total = rows // size * size
    parts = list(rebatch(shuffle_by_windows(rows, Key(seed), **how), size, total)) if total else []
    assert [len(part) for part in parts] == [size] * (total // size)
    assert torch.equal(torch.cat([torch.empty(0, dtype=torch.long), *parts]), whole[:total])


def test_a_window_mixes_rows_from_all_over_the_data():
    first = next(shuffle_by_windows(2**16, Key(0), block=64, window=32))
    batch = first[:256]
    assert len((batch // 64).unique()) > 28  # of 32 blocks
    assert (batch // 2**14).bincount().min() > 10  # of each quarter of the data
    steps = batch.diff().abs()
    assert (steps == 1).float().mean() < 0.05


def test_drawn_rows_are_different_and_of_all(monkeypatch):
    before = sample_rows(5000, 100, Key(3))
    assert torch.equal(before, torch.randperm(5000, generator=Key(3).generator())[:100])
    monkeypatch.setattr(shuffling, "MAX_SHUFFLED_ROWS", 1000)
    some = sample_rows(5000, 1000, Key(3))
    assert len(some.unique()) == 1000
    assert (some // 500).bincount(minlength=10).min() > 60
    assert sorted(sample_rows(1200, 1000, Key(3)).tolist())[-1] < 1200


def streamed(x):
    return StreamedSamples(tuple(x.shape), x.dtype, lambda index: x[index], "x")


def test_the_order_of_many_streamed_rows_goes_on_where_it_was(monkeypatch):
    x = streamed(torch.arange(1000.0)[:, None])
    plan = Plan(batch_size=64, steps_per_epoch=15, epochs=3)
    small = list(order(x, plan, seed=1))
    assert all(torch.equal(a, b) for a, b in zip(small, order(torch.zeros(1000, 1), plan, seed=1), strict=True))
    monkeypatch.setattr(loop, "MAX_SHUFFLED_ROWS", 999)
    whole = list(order(x, plan, seed=1))
    assert len(whole) == 45
    for epoch in (whole[:15], whole[15:30], whole[30:]):
        assert len(torch.cat(epoch).unique()) == 960
    assert not torch.equal(whole[0], whole[15])
    for start in (1, 14, 15, 29, 44, 45):
        rest = list(order(x, plan, seed=1, start=start))
        assert len(rest) == 45 - start
        assert all(torch.equal(a, b) for a, b in zip(rest, whole[start:], strict=True))


def test_batchnorm_is_recalibrated_on_portions_from_all_over_many_rows(monkeypatch):
    x = torch.arange(1000.0)[:, None]
    norm = torch.nn.BatchNorm1d(1)
    recalibrate_bn(norm, streamed(x), batch_size=10)
    assert abs(norm.running_mean.item() - x.mean()) < 1e-3
    monkeypatch.setattr(loop, "MAX_BATCHES", 4)
    recalibrate_bn(norm, streamed(x), batch_size=10)
    want = torch.cat([x[start : start + 10] for start in (0, 250, 500, 750)]).mean()
    assert abs(norm.running_mean.item() - want) < 1e-3
