"""Compare learning-rate schedules with closed forms, and optimizers with one step by hand."""

import math

import pytest
import torch
from torch import nn

from contramix.training.optimizers import OPTIMIZERS, OptimizerSettings

SPE, EPOCHS = 7, 10
TOTAL = SPE * EPOCHS


def rates(**changes):
    s = OptimizerSettings(lr=0.4, **changes)
    return [s.rate(n, SPE, EPOCHS) for n in range(TOTAL)]


@pytest.mark.parametrize("schedule", ["cosine", "cosine-epoch", "steps", "constant"])
@pytest.mark.parametrize("warmup", [0.0, 1.0, 2.5])
def test_warm_up_is_linear_in_steps(schedule, warmup):
    found = rates(schedule=schedule, warmup_epochs=warmup)
    steps = warmup * SPE
    for n in range(math.floor(steps)):
        assert found[n] == pytest.approx(0.4 * (n + 1) / steps)
    assert all(0 <= r <= 0.4 + 1e-12 for r in found)


def test_constant():
    assert rates(schedule="constant", warmup_epochs=0.0) == [0.4] * TOTAL


def test_cosine_by_steps():
    for warmup in (0, 2):
        found = rates(schedule="cosine", warmup_epochs=float(warmup))
        begin = warmup * SPE
        for n in range(begin, TOTAL):
            want = 0.2 * (1 + math.cos(math.pi * (n - begin) / (TOTAL - begin)))
            assert found[n] == pytest.approx(want)
        assert found[begin] == pytest.approx(0.4)
        assert found[-1] < 0.002


def test_cosine_by_epochs_is_the_published_one():
    """0.5 (1 + cos(pi e / E)) per epoch, over all epochs, warm-up included."""
    found = rates(schedule="cosine-epoch", warmup_epochs=2.0)
    for n in range(2 * SPE, TOTAL):
        assert found[n] == pytest.approx(0.4 * 0.5 * (1 + math.cos(math.pi * (n // SPE) / EPOCHS)))


def test_steps_multiply_at_their_epochs():
    found = rates(schedule="steps", warmup_epochs=0.0, decay_epochs=(3, 6), decay=0.1)
    assert found[: 3 * SPE] == [0.4] * (3 * SPE)
    assert found[3 * SPE : 6 * SPE] == pytest.approx([0.04] * (3 * SPE))
    assert found[6 * SPE :] == pytest.approx([0.004] * (4 * SPE))


def test_warm_up_takes_at_most_half_of_a_short_run():
    s = OptimizerSettings(lr=1.0, warmup_epochs=10.0)
    found = [s.rate(n, 2, 3) for n in range(6)]
    assert found[:3] == pytest.approx([1 / 3, 2 / 3, 1.0])
    assert found[3] == pytest.approx(1.0)
    assert [OptimizerSettings(lr=1.0).rate(0, 1, 1)] == [1.0]


def parameters():
    torch.manual_seed(0)
    weight, bias = nn.Parameter(torch.randn(3, 4)), nn.Parameter(torch.randn(3))
    frozen = nn.Parameter(torch.randn(3, 4), requires_grad=False)
    grads = [torch.randn(3, 4), torch.randn(3)]
    weight.grad, bias.grad = (g.clone() for g in grads)
    return weight, bias, frozen, grads


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimisers_leave_frozen_parameters(name):
    weight, bias, frozen, _ = parameters()
    before = frozen.clone()
    OptimizerSettings(optimizer=name).build([weight, bias, frozen]).step()
    assert torch.equal(frozen, before)


def test_sgd_by_hand():
    weight, bias, _, (g, _) = parameters()
    before = weight.detach().clone()
    optimizer = OptimizerSettings(optimizer="sgd", lr=0.1, momentum=0.5, weight_decay=0.01).build([weight, bias])
    optimizer.step()
    torch.testing.assert_close(weight.detach(), before - 0.1 * (g + 0.01 * before))
    middle = weight.detach().clone()
    weight.grad = g.clone()
    optimizer.step()
    velocity = 0.5 * (g + 0.01 * before) + g + 0.01 * middle
    torch.testing.assert_close(weight.detach(), middle - 0.1 * velocity)


def test_adamw_by_hand():
    weight, bias, _, (g, _) = parameters()
    before = weight.detach().clone()
    OptimizerSettings(optimizer="adamw", lr=0.1, weight_decay=0.01).build([weight, bias]).step()
    torch.testing.assert_close(weight.detach(), before * (1 - 0.001) - 0.1 * g / (g.abs() + 1e-8))


def test_lars_by_hand_adapts_matrices_and_leaves_biases_plain():
    weight, bias, _, (g, gb) = parameters()
    before, bias_before = weight.detach().clone(), bias.detach().clone()
    OptimizerSettings(optimizer="lars", lr=0.1, momentum=0.9, weight_decay=0.01).build([weight, bias]).step()
    trust = 1e-3 * before.norm() / (g.norm() + 0.01 * before.norm())
    torch.testing.assert_close(weight.detach(), before - 0.1 * trust * (g + 0.01 * before))
    torch.testing.assert_close(bias.detach(), bias_before - 0.1 * gb)


def test_an_unknown_optimiser_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'adamw'"):
        OptimizerSettings(optimizer="adam")
