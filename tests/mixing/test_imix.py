"""Test the weights and partners that i-Mix draws, and that labels get the realized weights."""

import pytest
import torch
from pydantic import ValidationError

from contramix.mixing import OPERATORS
from contramix.mixing.binary import Binary
from contramix.mixing.imix import IMix
from contramix.types import Targets


def one_hot(n: int) -> torch.Tensor:
    """Mixed linearly, each row shows its own weights."""
    return torch.eye(n)


def test_linear_mixing_shows_the_weights_it_reports(generator):
    mixed = IMix(partners=2)(one_hot(8), generator=generator)
    dense = torch.zeros(8, 8).scatter_add(1, Targets.from_mixture(mixed).index, mixed.weight)
    torch.testing.assert_close(mixed.x, dense)
    assert (mixed.x.diagonal() >= 0.5).all()


def test_weights_are_folded_by_default_and_differ_by_sample(generator):
    weight = IMix()(one_hot(400), generator=generator).weight
    assert (weight[:, 0] >= 0.5).all()
    assert len(weight[:, 0].unique()) > 390
    assert weight[:, 0].mean().item() == pytest.approx(0.75, abs=0.03)


def test_unfolded_weights_may_be_small(generator):
    weight = IMix(fold=False)(one_hot(400), generator=generator).weight
    assert (weight[:, 0] < 0.5).float().mean().item() == pytest.approx(0.5, abs=0.1)


def test_one_weight_for_the_batch(generator):
    mixed = IMix(per="batch")(one_hot(9), generator=generator)
    assert len(mixed.weight.unique(dim=0)) == 1
    assert sorted(mixed.partner[:, 0].tolist()) == list(range(9))


def test_alpha_narrows_the_weights(generator):
    spread = [IMix(alpha=a, fold=False)(one_hot(500), generator=generator).weight[:, 0].std() for a in (0.2, 1.0, 50.0)]
    assert spread[0] > spread[1] > spread[2]


def test_labels_get_the_realised_share_of_binary_mixing(generator):
    x = torch.arange(30).float()[:, None].expand(30, 11).clone()
    mixed = IMix(operator=Binary())(x, generator=generator)
    for k in range(30):
        if int(mixed.partner[k, 0]) != k:
            counted = (mixed.x[k] == k).float().mean().item()
            assert mixed.weight[k, 0].item() == pytest.approx(counted, abs=1e-6)


@pytest.mark.parametrize("kind", OPERATORS)
def test_any_operator_may_be_named(kind, generator):
    mix = IMix.model_validate({"operator": kind})
    mixed = mix(torch.rand(6, 3, 8, 8), generator=generator)
    torch.testing.assert_close(mixed.weight.sum(1), torch.ones(6))
    assert IMix.model_validate(mix.model_dump()) == mix


@pytest.mark.parametrize("wrong", [{"alpha": 0.0}, {"partners": 0}, {"per": "epoch"}, {"cut": []}, {"lambda": 1.0}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        IMix.model_validate(wrong)
