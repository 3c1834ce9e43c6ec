"""Test the 1-D CNN: padding has no influence, mixtures keep their presence weights, and BatchNorm ignores padding."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from contramix.domains.series.frontend import SeriesFrontend
from contramix.encoders.cnn1d import CNN1d, Layer, Pool, StepNorm
from contramix.encoders.encoder import Inputs
from contramix.encoders.mlp import MLP
from contramix.encoders.user_module import wrap
from contramix.errors import InputError
from contramix.mixing.linear import Linear
from contramix.samples.padded_sequences import PaddedSequences

LENGTHS = (50, 37, 18, 7, 1)
FRONT = SeriesFrontend([0.0, 0.0], [1.0, 1.0], varying=True)


def series(n: int = 5) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    return [torch.randn(2, length, generator=draw) for length in LENGTHS[:n]]


def padded(each: list[torch.Tensor], to: int) -> torch.Tensor:
    return torch.stack([functional.pad(one, (0, to - one.shape[1]), value=torch.nan) for one in each])


def made(varying: bool = True, steps: int = 50, trained: bool = True, **settings):
    """An encoder whose BatchNorm has seen something, so that zeros do not stay zeros."""
    torch.manual_seed(0)
    encoder = CNN1d(width=4, **settings).build(Inputs((2, steps), kind="steps", varying=varying))
    encoder.with_front(FRONT if varying else SeriesFrontend([0.0, 0.0], [1.0, 1.0], varying=False), Inputs((2, steps)))
    if trained:
        with torch.no_grad():
            for parameter in encoder.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
        for _ in range(3):
            encoder.train()(padded([torch.randn(2, 50) for _ in range(8)], 50))
    return encoder.eval()


@pytest.mark.parametrize("varying", [True, False])
def test_padding_has_no_influence(varying):
    encoder, each = made(varying), series()
    together = encoder(padded(each, 50))
    assert together.abs().max() > 0.1
    for row, one in enumerate(each):
        alone = encoder(one[None])
        further = encoder(padded([one], 203))
        torch.testing.assert_close(alone[0], together[row], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(further[0], together[row], rtol=1e-5, atol=1e-5)


def test_whole_series_are_the_same_with_and_without_a_mask():
    encoder = made()
    x = torch.randn(6, 2, 50)
    masked = PaddedSequences(x, torch.ones(6, 50), axis=2)
    for mode in (True, False):
        encoder.train(mode)
        torch.testing.assert_close(encoder.run(masked), encoder.run(x), rtol=1e-4, atol=1e-5)


def test_a_layer_against_torch_on_each_series_alone():
    torch.manual_seed(0)
    layer = Layer(2, 3, 5, 2).eval()
    each = series()
    out = layer(FRONT(padded(each, 50)))
    weight = layer.convolution.weight[:, :, 0]
    for row, one in enumerate(each):
        wanted = functional.relu(functional.conv1d(one[None], weight, stride=2, padding=2) / (1 + 1e-5) ** 0.5)[0]
        length = -(-one.shape[1] // 2)
        torch.testing.assert_close(out.values[row, :, :length], wanted, rtol=1e-4, atol=1e-5)
        assert not out.values[row, :, length:].any()
        assert out.presence[row].tolist() == [1.0] * length + [0.0] * (25 - length)


def test_pooling_against_each_series_alone():
    each = [one.abs() for one in series()]
    out = Pool()(FRONT(padded(each, 50)))
    for row, one in enumerate(each):
        torch.testing.assert_close(out[row], torch.cat([one.mean(1), one.amax(1)]))


def test_norm_of_the_steps_that_are_there():
    """As torch's BatchNorm of those steps, behind one another; statistics and gradients too."""
    each = series()
    values, presence = FRONT(padded(each, 50)).values, FRONT(padded(each, 50)).presence
    values = (values + 5).requires_grad_()  # something under padding too
    flat = torch.cat([one.T + 5 for one in each]).requires_grad_()
    ours, theirs = StepNorm(2), nn.BatchNorm1d(2)
    for _ in range(2):
        out, wanted = ours(values[:, :, None], presence)[:, :, 0], theirs(flat)
    here = out.transpose(1, 2)[presence > 0]
    torch.testing.assert_close(here, wanted, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var)
    assert ours.num_batches_tracked == theirs.num_batches_tracked == 2
    pull = torch.randn_like(here)
    (here * pull).sum().backward()
    (wanted * pull).sum().backward()
    torch.testing.assert_close(values.grad.transpose(1, 2)[presence > 0], flat.grad, rtol=1e-3, atol=1e-4)


def test_norm_to_the_plain_mean_over_batches():
    norm = StepNorm(1)
    norm.momentum = None
    for shift in (1.0, 3.0):
        norm(torch.full((2, 1, 1, 3), shift), torch.tensor([[1.0, 1, 0], [1, 0, 0]]))
    assert norm.running_mean.tolist() == [2.0]


@pytest.mark.parametrize("cut", ["input", "layer1", "layer3", "pool", "output"])
@pytest.mark.parametrize("mode", [True, False])
def test_mixing_with_weight_1_is_the_series_and_partners_fade(cut, mode):
    encoder = made().train(mode)
    for norm in encoder.modules():
        if isinstance(norm, StepNorm):
            norm.eval()  # a batch's statistics would depend on all of it
    x = encoder.run(FRONT(padded(series(), 50)), stop=cut)
    partner = torch.tensor([[4], [3], [0], [1], [2]])

    def mixed(weight: float) -> torch.Tensor:
        values = x.values if isinstance(x, PaddedSequences) else x
        both = torch.tensor([[weight, 1 - weight]]).expand(5, 2)
        out = Linear()(values, partner, both, generator=torch.Generator())
        return encoder.run(x.apply_mixture(out) if isinstance(x, PaddedSequences) else out.x, start=cut)

    plain = encoder.run(x, start=cut)
    torch.testing.assert_close(mixed(1.0), plain, rtol=1e-5, atol=1e-6)
    near, nearer = ((mixed(1 - share) - plain).abs().max() for share in (1e-3, 1e-5))
    assert near < 0.05
    assert nearer < 0.02 * near + 1e-5


def test_gradients_reach_both_partners():
    encoder = made().train()
    raw = FRONT(padded(series(), 50))
    values = raw.values.clone().requires_grad_()
    x = raw.with_values(values)
    out = Linear()(
        x.values, torch.tensor([[1], [2], [3], [4], [0]]), torch.tensor([[0.6, 0.4]] * 5), generator=torch.Generator()
    )
    encoder.run(x.apply_mixture(out))[0].square().sum().backward()
    assert values.grad[0].abs().sum() > 0
    assert values.grad[1].abs().sum() > 0
    assert not values.grad[1, :, 37:].any()


def test_where_series_are_mixed_unless_told_otherwise():
    assert made(varying=False).auto == "input"
    assert made(varying=True).auto == "output"
    assert made(varying=True).cuts[0] == "input"


@pytest.mark.parametrize(("steps", "left"), [(427, 27), (60, 15), (24, 12), (16, 16), (1, 1)])
def test_short_series_are_not_halved(steps, left):
    encoder = CNN1d(width=2).build(Inputs((3, steps), kind="steps"))
    x = torch.randn(2, 3, steps)
    assert encoder.run(x, stop="layer4").shape == (2, 8, left)
    assert encoder(x).shape == (2, encoder.width) == (2, 16)


def test_depth():
    encoder = CNN1d(width=2, depth=6).build(Inputs((1, 30), kind="steps"))
    assert list(encoder.stages) == ["layer1", "layer2", "layer3", "layer4", "layer5", "layer6", "pool"]
    assert encoder.eval()(torch.randn(3, 1, 30)).shape == (3, 16)


class Masking(nn.Module):
    """Sums the steps that it is told are there."""

    def forward(self, x, mask):
        assert mask.dtype == torch.bool
        return (x * mask[:, None]).sum(2)


STEPS = Inputs((2, 50), kind="steps")
UNEQUAL = STEPS._replace(varying=True)


def test_a_module_of_the_users():
    module = nn.Sequential(nn.Conv1d(2, 3, 3), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    equal = wrap(module, STEPS)
    assert equal.cuts == ("input", "padded", "stage0", "stage1", "stage2", "stage3", "output")
    assert (equal.first, equal.width) == ("input", 3)
    x = FRONT(padded(series(), 50))
    assert torch.equal(equal.run(x), module(x.values))
    assert torch.equal(equal.run(x.values), module(x.values))
    unequal = wrap(module, UNEQUAL)
    assert (unequal.cuts, unequal.auto) == (("input", "module", "output"), "output")
    assert torch.equal(unequal.run(x), module(x.values))


@pytest.mark.parametrize("inputs", [STEPS, UNEQUAL])
def test_a_module_that_takes_a_mask(inputs):
    encoder, x = wrap(Masking(), inputs), FRONT(padded(series(), 50))
    torch.testing.assert_close(encoder.run(x), torch.stack([one.sum(1) for one in series()]), rtol=1e-4, atol=1e-5)
    assert torch.equal(encoder.run(x.values), x.values.sum(2))


def test_a_module_that_takes_something_else():
    with pytest.raises(InputError, match=r"does not take inputs of shape \(2, 50\)"):
        wrap(nn.Linear(3, 4), UNEQUAL)


def test_an_mlp_takes_series_of_one_length():
    encoder = MLP(depth=1, width=4).build(STEPS).eval()
    x = FRONT(padded(series(), 50))
    assert torch.equal(encoder.run(x), encoder.run(x.values))
    assert encoder.run(x).shape == (5, 4)
    with pytest.raises(InputError, match=r"takes series of one length only.*use 'cnn1d'"):
        MLP().build(UNEQUAL)
