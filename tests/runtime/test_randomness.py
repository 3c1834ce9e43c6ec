"""Test that random draws depend on their key only."""

import pytest
import torch

from contramix.runtime.randomness import Key


def test_the_same_place_gives_the_same_draws():
    a, b = (torch.rand(5, generator=Key(3).at("step", 7).generator()) for _ in range(2))
    assert torch.equal(a, b)


def test_places_differ_from_one_another():
    places = [
        Key(0),
        Key(1),
        Key(0).at("a"),
        Key(0).at("a", 1),
        Key(0).at("a", "1"),
        Key(0).at("a1"),
        Key(0).at(1, "a"),
    ]
    assert len({p.seed for p in places}) == len(places)
    assert Key(0).at("a").at(1) == Key(0).at("a", 1)


@pytest.mark.parametrize("n", range(20))
def test_seeds_fit_a_generator(n):
    assert 0 <= Key(n).seed < 2**63


def test_a_seed_does_not_depend_on_the_process():
    """Stated, so that a change of the derivation, which would break every resumed run, is noticed."""
    assert Key(0).at("step", 7).seed == 7481661762490812111


def test_generators_leave_the_global_state():
    state = torch.get_rng_state()
    torch.rand(3, generator=Key(0).generator())
    assert torch.equal(torch.get_rng_state(), state)
