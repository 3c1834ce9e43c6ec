"""Test which parts of padded sequences are mixed, and that padding never counts."""

import pytest
import torch

from contramix.mixing.imix import IMix
from contramix.mixing.linear import Linear
from contramix.samples.padded_sequences import PaddedSequences
from contramix.types import Mixture, apply_mixture, concatenate, get_values, split

LENGTHS = [5, 2, 0, 4]


def sequences(axis: int) -> tuple[PaddedSequences, list[torch.Tensor]]:
    """Sequences of 3 features, padded to 5 steps, and as they are: (steps, 3) each."""
    each = [torch.randn(n, 3, generator=torch.Generator().manual_seed(n)) for n in LENGTHS]
    values, presence = torch.zeros(4, 5, 3), torch.zeros(4, 5)
    for row, one in enumerate(each):
        values[row, : len(one)] = one
        presence[row, : len(one)] = 1
    return PaddedSequences(values if axis == 1 else values.transpose(1, 2), presence, axis), each


@pytest.mark.parametrize("axis", [1, 2])
def test_mean_is_that_of_the_steps_that_are_there(axis):
    x, each = sequences(axis)
    expected = torch.stack([one.mean(0) if len(one) else torch.zeros(3) for one in each])
    torch.testing.assert_close(x.mean(), expected)


@pytest.mark.parametrize("axis", [1, 2])
def test_what_lies_under_padding_stays_zero(axis):
    x, each = sequences(axis)
    assert get_values(x) is x.values
    changed = x.map(lambda values: values + 7).with_values(x.values + 7)
    assert torch.equal(changed.presence, x.presence)
    torch.testing.assert_close(changed.mean(), torch.stack([o.mean(0) + 7 if len(o) else o.sum(0) for o in each]))
    assert torch.equal(changed.values == 0, (x.broadcast_presence == 0).expand_as(x.values))
    # Even what is no number there.
    assert torch.equal(x.with_values(x.values.masked_fill(x.broadcast_presence == 0, torch.nan)).values, x.values)


@pytest.mark.parametrize("axis", [1, 2])
def test_mixed_by_loops(axis, generator):
    x, _ = sequences(axis)
    partner = torch.tensor([[1, 3], [0, 2], [2, 1], [0, 0]])
    weight = torch.tensor([[0.5, 0.3, 0.2], [0.6, 0.4, 0.0], [1.0, 0.0, 0.0], [0.7, 0.2, 0.1]])
    mixed = apply_mixture(x, Linear()(x.values, partner, weight, generator=generator))
    for row in range(4):
        sources = [row, *partner[row].tolist()]
        value = sum(w * x.values[n] for w, n in zip(weight[row].tolist(), sources))
        presence = sum(w * x.presence[n] for w, n in zip(weight[row].tolist(), sources))
        torch.testing.assert_close(mixed.values[row], value)
        torch.testing.assert_close(mixed.presence[row], presence)
    # Weight 1 gives the sample, and mixing with itself too.
    torch.testing.assert_close(mixed.values[2], x.values[2])
    assert torch.equal(mixed.presence[2], x.presence[2])


def test_what_a_partner_adds_fades_out_with_its_weight():
    x, _ = sequences(1)
    partner = torch.tensor([[0], [0], [0], [0]])
    means = []
    for share in (0.1, 1e-3, 1e-6):
        weight = torch.tensor([[1 - share, share]]).expand(4, 2)
        means.append(apply_mixture(x, Linear()(x.values, partner, weight, generator=torch.Generator())).mean()[1])
    distance = [float((mean - x.mean()[1]).norm()) for mean in means]
    assert distance[0] > distance[1] > distance[2]
    assert distance[2] < 1e-5


def test_imix_mixes_presence_by_the_realised_weights(generator):
    x, _ = sequences(1)
    for operator in ("linear", "binary"):
        mixed = IMix(operator=operator)(x.values, generator=generator)
        own, other = mixed.weight[:, :1], mixed.weight[:, 1:]
        expected = own * x.presence + other * x.presence[mixed.partner[:, 0]]
        torch.testing.assert_close(apply_mixture(x, mixed).presence, expected)


@pytest.mark.parametrize("axis", [1, 2])
def test_split_and_joined(axis):
    x, _ = sequences(axis)
    parts = split(x, [1, 0, 3])
    assert [len(part) for part in parts] == [1, 0, 3]
    again = concatenate(parts)
    assert isinstance(again, PaddedSequences)
    assert again.axis == axis
    assert torch.equal(again.values, x.values)
    assert torch.equal(again.presence, x.presence)


def test_gradients_reach_the_sample_and_its_partner_only_where_they_have_steps():
    x, _ = sequences(1)
    values = x.values.clone().requires_grad_()
    weight, partner = torch.tensor([[0.8, 0.2]] * 4), torch.tensor([[1], [0], [3], [2]])
    mixed = Linear()(values, partner, weight, generator=torch.Generator())
    apply_mixture(x.with_values(values), Mixture(mixed.x, partner, weight)).mean()[0].sum().backward()
    reached = values.grad.abs().sum(2) > 0
    assert reached[0].all()
    assert reached[1, :2].all()
    assert not reached[2:].any()
