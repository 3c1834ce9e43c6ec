"""Test time series from Python values, their specification, and the inputs that networks receive."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

from contramix.domains import DOMAINS, find_domain_of_values
from contramix.domains.series.column import as_column, extract_steps
from contramix.domains.series.frontend import SeriesFrontend
from contramix.domains.series.settings import SeriesSettings
from contramix.domains.series.values import from_values
from contramix.errors import InputError
from contramix.io.options import ReadOptions
from contramix.samples.padded_sequences import PaddedSequences

AUTO = SeriesSettings()
RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, (5, 2, 7))
RAGGED = [RNG.normal(size=(2, n)) * [[1.0], [50.0]] for n in (4, 7, 1)]
SERIES = DOMAINS["series"]


def learned(values, settings=AUTO):
    reading = from_values(values, settings)
    spec, notes = SERIES.spec.learn(reading.table, settings)
    return spec, spec.tensorize(reading.table), notes


@pytest.mark.parametrize(
    ("values", "domain"),
    [
        (X, "series"),
        (X.astype(np.float32), "series"),
        (torch.zeros(3, 1, 5), "series"),
        (X.round().astype(np.int64), "series"),
        (RAGGED, "series"),
        ([np.zeros(3), np.zeros(4)], "series"),
        ([np.zeros(3), np.zeros(3)], "table"),
        ([[1.0, 2.0], [3.0, 4.0]], "table"),
        (np.zeros((5, 8, 8), np.uint8), "image"),
        (np.zeros((5, 3, 8, 8)), "image"),
        (np.zeros((5, 8)), "table"),
        (pa.table({"series": [1.0]}), "table"),
        (pa.table({"series": as_column([np.zeros((1, 2), np.float32)], 1)}), "series"),
    ],
)
def test_whose_values_are_they(values, domain):
    assert find_domain_of_values(values) == domain


def test_the_same_series_from_every_container():
    flat = X[:, :1]
    wide = pd.DataFrame(flat[:, 0], columns=[f"t{n}" for n in range(7)])
    ids = np.repeat(np.arange(5), 7)
    long = pd.DataFrame({"id": ids, "t": np.tile(np.arange(7), 5), "x": flat.ravel()}).sample(frac=1, random_state=0)
    long = long.sort_values("id", kind="stable")
    whole, x, _ = learned(flat)
    for values, settings in (
        (torch.from_numpy(flat), AUTO),
        (flat[:, 0], AUTO),
        (list(flat), AUTO),
        ([one[0] for one in flat], AUTO),
        (wide, AUTO),
        (long, SeriesSettings(id="id", time="t")),
        (from_values(flat, AUTO).table, AUTO),
    ):
        spec, same, _ = learned(values, settings)
        assert torch.equal(same, x)
        assert spec.model_copy(update={"columns": (), "left_out": whole.left_out}) == whole
    np.testing.assert_allclose(x.numpy(), flat, rtol=1e-6)


def test_lists_keep_their_lengths_and_arrays_end_with_their_last_value():
    padded = np.full((3, 2, 7), np.nan)
    for row, one in zip(padded, RAGGED):
        row[:, : one.shape[1]] = one
    spec, x, _ = learned(RAGGED)
    np.testing.assert_array_equal(x.numpy(), padded.astype(np.float32))
    reading = from_values(padded, AUTO)
    assert reading.notes == ("2 series end in NaN, which is removed as padding",)
    assert extract_steps(reading.table).lengths.tolist() == [4, 7, 1]
    assert (spec.steps, spec.varying, spec.channels) == (7, True, 2)


def test_a_gap_is_filled_and_a_list_keeps_its_last_step():
    reading = from_values([np.array([1.0, np.nan, 3.0, np.nan]), np.array([0.0])], AUTO)
    assert extract_steps(reading.table).values[:, 0].tolist() == [1, 2, 3, 3, 0]


def test_moments_over_the_steps_that_are_there():
    spec, _, notes = learned(RAGGED)
    every = np.concatenate([one.astype(np.float32).astype(np.float64) for one in RAGGED], 1)
    np.testing.assert_allclose(spec.mean, every.mean(1), rtol=1e-12)
    np.testing.assert_allclose(spec.std, every.std(1), rtol=1e-12)
    assert notes == ()


def test_long_series_are_cut():
    spec, x, notes = learned(RAGGED, SeriesSettings(steps=4))
    assert (spec.steps, spec.varying, x.shape) == (4, True, (3, 2, 4))
    assert notes == ("1 series are longer than 4 steps and are truncated (see series.steps)",)
    every = np.concatenate([one[:, :4].astype(np.float32).astype(np.float64) for one in RAGGED], 1)
    np.testing.assert_allclose(spec.mean, every.mean(1), rtol=1e-12)
    longer = from_values([np.ones((2, 9)), np.ones((2, 2))], AUTO, spec).table
    assert spec.tensorize(longer).shape == (2, 2, 4)
    assert spec.input_notes(longer) == ("1 series are longer than 4 steps and are truncated",)
    assert learned(X, SeriesSettings(steps=1000))[0].varying is False


def test_a_constant_channel_is_told_and_becomes_zero():
    values = X.copy()
    values[:, 1] = 0.1
    spec, x, notes = learned(values)
    assert notes == ("constant channels: 2",)
    assert spec.std[1] == 1
    torch.testing.assert_close(spec.frontend()(x)[:, 1], torch.zeros(5, 7), atol=1e-7, rtol=0)


def test_the_front_standardises_and_masks():
    spec, x, _ = learned(RAGGED)
    out = spec.frontend()(x)
    assert isinstance(out, PaddedSequences)
    mean, std = np.array(spec.mean)[:, None], np.array(spec.std)[:, None]
    for row, one in enumerate(RAGGED):
        length = one.shape[1]
        np.testing.assert_allclose(out.values[row, :, :length], (one - mean) / std, rtol=1e-4, atol=1e-5)
        assert not out.values[row, :, length:].any()
        assert out.presence[row].tolist() == [1.0] * length + [0.0] * (7 - length)


def test_a_model_of_one_length_sees_a_tensor_until_a_series_is_shorter():
    spec, x, _ = learned(X)
    assert spec.inputs().varying is False
    assert isinstance(spec.frontend()(x), torch.Tensor)
    short = spec.tensorize(from_values([X[0], X[1][:, :3]], AUTO, spec).table)
    out = spec.frontend()(short)
    assert isinstance(out, PaddedSequences)
    assert torch.equal(out.values[0], spec.frontend()(x)[0])
    assert out.presence[1].tolist() == [1.0] * 3 + [0.0] * 4


@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_each_series_by_its_own(scale):
    x = torch.tensor(X * scale).float()
    x[0, :, 4:] = torch.nan
    x[1, 0] = 5.0 * scale
    out = SeriesFrontend([9.0, 9.0], [9.0, 9.0], varying=True, each=True)(x).values
    for row, length in enumerate([4, 7, 7, 7, 7]):
        one = x[row, :, :length].numpy().astype(np.float64)
        std = one.std(1, keepdims=True)
        wanted = np.where(std > 0, (one - one.mean(1, keepdims=True)) / np.where(std > 0, std, 1), 0)
        np.testing.assert_allclose(out[row, :, :length], wanted, atol=1e-5)
    assert not out[0, :, 4:].any()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([np.zeros((2, 3)), np.zeros((3, 3))], "row 2 has 3 channels, row 1 has 2"),
        ([np.zeros((2, 3)), np.zeros((2, 0))], "row 2: has no steps"),
        ([np.zeros((2, 3)), np.full((2, 3), np.nan)], "row 2: has no values"),
        ([np.zeros((2, 3)), np.array([[1.0], [np.nan]])], "row 2: channel 2 has no values"),
        (np.full((2, 1, 3), np.inf), "row 1, channel 1, step 1: the value is infinite"),
        (np.full((2, 1, 3), 1e39), "row 1, channel 1, step 1: the value is 1e+39, beyond what float32 holds"),
        (np.zeros((2, 1, 3), complex), "values of type complex128: give numbers"),
        (np.zeros((2, 1, 1, 3)), "shape (2, 1, 1, 3) is not one of series"),
        (np.zeros((0, 1, 3)), "shape (0, 1, 3) is not one of series"),
        ([np.zeros(3), "no"], "row 2: is not a series"),
        ("text", "give series as an array"),
    ],
)
def test_what_is_wrong_is_named(values, said):
    with pytest.raises(InputError) as caught:
        from_values(values, AUTO)
    assert said in str(caught.value)


def test_other_channels_than_the_model_and_too_much_memory():
    spec, _, _ = learned(X)
    with pytest.raises(InputError, match="series of 3 channels: the model was trained on 2"):
        spec.tensorize(from_values(np.zeros((2, 3, 7)), AUTO).table)
    with pytest.raises(InputError, match=r"padded to 9,000,000 steps, take .* GiB: set series\.steps"):
        spec.model_copy(update={"steps": 9_000_000, "channels": 2}).tensorize(
            pa.table({"series": as_column([np.zeros((2, 1), np.float32)] * 1000, 2)})
        )


def test_rows_may_be_taken_filtered_and_sliced():
    table = from_values(RAGGED, AUTO).table
    for part, rows in ((table.take([2, 0]), [2, 0]), (table.slice(1), [1, 2]), (table.slice(1, 0), [])):
        values, lengths = extract_steps(part)
        assert lengths.tolist() == [RAGGED[row].shape[1] for row in rows]
        wanted = np.concatenate([np.zeros((0, 2)), *(RAGGED[row].T for row in rows)])
        np.testing.assert_array_equal(values, wanted.astype(np.float32))


@pytest.mark.parametrize("column", [pa.array([1.0]), pa.array([[1.0]]), pa.array(["x"])])
def test_a_column_of_something_else(column):
    with pytest.raises(InputError, match="not series"):
        extract_steps(pa.table({"series": column}))
    with pytest.raises(InputError, match="there is no column 'series'"):
        extract_steps(pa.table({"x": [1]}))


def test_arrays_in_files(tmp_path):
    from contramix.domains.series.reading import read

    np.save(tmp_path / "x.npy", X)
    assert rows_of(read(tmp_path / "x.npy", ReadOptions(), AUTO).table) == 5
    np.savez(tmp_path / "x.npz", X_train=X[:3], y_train=np.array([1, 2, 1]), X_test=X[3:], y_test=np.array([2, 2]))
    reading = read(tmp_path / "x.npz", ReadOptions(), AUTO)
    assert (reading.splits, reading.target) == (("train", "test"), "label")
    assert reading.table.column("label").to_pylist() == [1, 2, 1, 2, 2]
    assert (reading.training.num_rows, reading.test.num_rows) == (3, 2)
    np.savez(tmp_path / "y.npz", X=X, y=np.array(["a", "b", "a"]))
    with pytest.raises(InputError, match="3 entries of 'label' for 5 series"):
        read(tmp_path / "y.npz", ReadOptions(), AUTO)
    np.save(tmp_path / "o.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(InputError, match="holds Python objects, which are never unpickled"):
        read(tmp_path / "o.npy", ReadOptions(), AUTO)
    np.savez(tmp_path / "z.npz", a=X, b=X)
    with pytest.raises(InputError, match="no array of series: name one 'x'"):
        read(tmp_path / "z.npz", ReadOptions(), AUTO)


def rows_of(table) -> int:
    return len(extract_steps(table).lengths)
