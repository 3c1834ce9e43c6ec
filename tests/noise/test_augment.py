"""Test augmentation as a noise: it starts from stored samples, and draws both views independently."""

import pytest
import torch

from contramix.encoders import Encoder
from contramix.encoders.frontend import AsStored, Front
from contramix.errors import InputError
from contramix.methods.npair import NPair
from contramix.noise.augment import Augment
from contramix.runtime.randomness import Key
from contramix.training.objective import Objective, TermSettings


class Bytes(Front):
    """Bytes to [0, 1]; the augmentation adds one number a sample."""

    def forward(self, raw):
        return raw / 255

    def augment(self, raw, generator):
        return raw / 255 + torch.rand((len(raw), 1), generator=generator)


RAW = torch.arange(12, dtype=torch.uint8).reshape(4, 3)


def test_two_draws_from_the_samples_as_they_are_stored(generator):
    first, second = Augment().views_of_samples(Bytes(), RAW, generator)
    again = torch.Generator().manual_seed(0)
    assert torch.equal(first, RAW / 255 + torch.rand((4, 1), generator=again))
    assert torch.equal(second, RAW / 255 + torch.rand((4, 1), generator=again))
    assert not torch.equal(first, second)
    assert RAW.dtype == torch.uint8


def test_other_noise_begins_behind_the_front(generator):
    from contramix.noise.none import NoNoise

    first, second = NoNoise().views_of_samples(Bytes(), RAW, generator)
    assert torch.equal(first, RAW / 255)
    assert torch.equal(second, RAW / 255)


def test_where_no_augmentation_is_known_it_says_so(generator):
    with pytest.raises(InputError, match="no augmentation is known"):
        Augment().views_of_samples(AsStored(), torch.zeros(2, 3), generator)


def test_a_run_that_would_need_one_is_refused_before_it_begins():
    from contramix.training.objective import Objective, TermSettings

    encoder = Encoder({"layer": torch.nn.Linear(3, 2)}, 2)
    with pytest.raises(InputError, match="no augmentation is known"):
        Objective(encoder, TermSettings(noise=Augment()))
    encoder.front = Bytes()
    Objective(encoder, TermSettings(noise=Augment()))


def test_behind_a_stage_it_is_refused():
    encoder = Encoder({"layer": torch.nn.Linear(3, 2)}, 2)
    encoder.front = Bytes()
    objective = Objective(encoder, TermSettings(method=NPair(), noise=Augment(cut=("layer",))))
    with pytest.raises(InputError, match="cut can only be 'input'"):
        objective(RAW, Key(0))


def test_the_objective_sees_stored_samples_and_trains():
    encoder = Encoder({"layer": torch.nn.Linear(3, 2)}, 2)
    encoder.front = Bytes()
    objective = Objective(encoder, TermSettings(method=NPair(), noise=Augment()))
    objective(RAW, Key(0)).backward()
    assert next(encoder.parameters()).grad.isfinite().all()
