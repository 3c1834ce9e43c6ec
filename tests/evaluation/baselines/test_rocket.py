"""Compare ROCKET's features with a loop over one kernel, and its accuracy with the published one."""

from math import log2
from pathlib import Path

import numpy as np
import pytest
import torch

from contramix.domains import DOMAINS
from contramix.domains.series.frontend import SeriesFrontend
from contramix.domains.series.settings import SeriesSettings
from contramix.domains.series.values import from_values
from contramix.errors import InputError
from contramix.evaluation.baselines import BASELINES, EvaluationRecords
from contramix.evaluation.baselines.rocket import rocket
from contramix.evaluation.problem import PredictionProblem
from contramix.io.options import ReadOptions
from contramix.models.labeled_records import prepare_labeled_records
from contramix.models.task import Task
from contramix.predictors.domain_features import LENGTHS, draw_kernels, transform

DATA = Path(__file__).parents[4] / "shared" / "data" / "timeseries" / "ucr_uea.zip"


def by_hand(series: np.ndarray, weight: np.ndarray, bias: float, dilation: int, padding: int) -> tuple[float, float]:
    """Share of positive values and maximum of one kernel on one series, number by number."""
    channels, steps = series.shape
    length = weight.shape[1]
    out = []
    for start in range(-padding, steps + padding - (length - 1) * dilation):
        total = bias
        for place in range(length):
            at = start + place * dilation
            if 0 <= at < steps:
                total += sum(float(weight[c, place]) * float(series[c, at]) for c in range(channels))
        out.append(total)
    if not out:
        return 0.0, 0.0
    return sum(value > 0 for value in out) / len(out), max(out)


@pytest.mark.parametrize("channels", [1, 3])
def test_features_are_those_of_a_loop(channels):
    generator = torch.Generator().manual_seed(0)
    each = [torch.randn(channels, n, generator=generator) for n in (40, 23, 7, 2)]
    x = torch.full((4, channels, 40), torch.nan)
    for row, one in zip(x, each):
        row[:, : one.shape[1]] = one
    kernels = draw_kernels(channels, 40, 60, generator)
    found = transform(SeriesFrontend([0.0] * channels, [1.0] * channels, varying=True)(x), kernels)
    assert found.shape == (4, 120)
    place, padded, wide = 0, 0, 0
    for weight, bias, dilation, padding in kernels:
        many = len(weight)
        for k in range(many):
            for row, one in enumerate(each):
                share, highest = by_hand(one.numpy(), weight[k].numpy(), float(bias[k]), dilation, padding)
                assert float(found[row, place + k]) == pytest.approx(share, abs=1e-6)
                assert float(found[row, place + many + k]) == pytest.approx(highest, abs=1e-4)
                wide += (share, highest) == (0.0, 0.0)
        place += 2 * many
        padded += many * (padding > 0)
    assert 10 < padded < 50
    assert wide > 0  # kernels that do not fit into a short series were among them


def test_kernels_are_drawn_as_published():
    kernels = draw_kernels(6, 200, 3000, torch.Generator().manual_seed(1))
    lengths, dilations, channels = [], [], []
    for weight, bias, dilation, padding in kernels:
        torch.testing.assert_close(weight.sum(2), torch.zeros(weight.shape[:2]), atol=1e-4, rtol=0)
        assert bias.abs().max() < 1
        span = (weight.shape[2] - 1) * dilation
        assert span < 200
        assert padding in (0, span // 2)
        lengths += [weight.shape[2]] * len(weight)
        dilations += [log2(dilation)] * len(weight)
        channels += (weight != 0).any(2).sum(1).tolist()
    assert [round(lengths.count(n) / 3000, 1) for n in LENGTHS] == [0.3] * 3
    # Uniform on a logarithmic scale up to log2(199 / (l - 1)), rounded down to whole dilations.
    assert max(dilations) == pytest.approx(log2(199 / 6), abs=0.1)
    assert np.mean(dilations) == pytest.approx(log2(199 / 8) / 2, abs=0.3)
    assert set(channels) == {1, 2, 3, 4, 5, 6}
    every = torch.cat([weight[weight != 0] for weight, *_ in kernels])
    assert float(every.std()) == pytest.approx((1 - 1 / 9) ** 0.5, abs=0.02)


def test_it_is_a_baseline_of_series():
    assert BASELINES["rocket"].name == "rocket"
    assert "rocket" in DOMAINS["series"].baselines


def made(x, y, task):
    reading = from_values(x, SeriesSettings())
    spec, _ = DOMAINS["series"].spec.learn(reading.table, SeriesSettings())
    predict = rocket(EvaluationRecords(spec, None, spec.tensorize(reading.table)))
    half = len(y) // 2
    return predict(PredictionProblem(task, np.arange(half), y[:half], np.arange(half, len(y)))), y[half:]


def test_quantities_and_classes_that_were_not_seen():
    rng = np.random.default_rng(0)
    y = rng.uniform(1, 4, 80)
    x = np.sin(np.arange(60) / y[:, None])[:, None]
    predicted, truth = made(x, y, Task("regression", "y"))
    assert np.corrcoef(predicted.value, truth)[0, 1] > 0.95
    labels = (y > 2.5).astype(int)
    predicted, truth = made(x, labels * 2, Task("classification", "y", ("a", "b", "c")))
    assert (predicted.value == truth).mean() > 0.9
    assert predicted.score.shape == (40, 3)
    np.testing.assert_allclose(predicted.score.sum(1), 1)
    assert not predicted.score[:, 1].any()
    assert (predicted.score.argmax(1) == predicted.value).all()


def test_other_records_are_refused(mixed_spec, mixed_rows):
    with pytest.raises(InputError, match="'rocket' is for series"):
        rocket(EvaluationRecords(mixed_spec, None, mixed_rows))


def test_published_accuracy():
    """ROCKET's published accuracy on ItalyPowerDemand is 0.970 (10,000 kernels, mean of ten)."""
    if not DATA.exists():
        pytest.skip("needs timeseries/ucr_uea.zip in a folder shared/data beside the repository")
    series, settings = DOMAINS["series"], SeriesSettings(problem="ItalyPowerDemand")
    reading = series.read(DATA, ReadOptions(), settings)
    spec, _ = series.spec.learn(reading.training, settings, "label")
    data = prepare_labeled_records(spec, reading.training, "label", test=reading.test)
    train = np.arange(67)
    predicted = rocket(EvaluationRecords(spec, data.content, data.x))(
        PredictionProblem(data.task, train, data.y[train], data.official_test)
    )
    assert (predicted.value == data.y[data.official_test]).mean() == pytest.approx(0.970, abs=0.015)
