"""Shipped recipes state their source, command, time and expected number, and train."""

import numpy as np
import pytest

from contramix import ContrastiveEncoder
from contramix.recipe_files import shipped

NAMES = [name for name in shipped() if name != "imix-covtype-npair"]


@pytest.mark.parametrize("name", shipped())
def test_header_states_what_it_must(name):
    lines = shipped()[name].read_text().splitlines()
    assert lines[0].startswith("# ")
    for word in ("Source", "Command", "Time"):
        assert any(line.startswith(f"# {word}: ") for line in lines), word
    assert any(line.startswith(("# Expected: ", "# Published: ")) for line in lines)


@pytest.mark.parametrize("name", NAMES)
def test_trains_on_a_small_table(name):
    x = np.random.default_rng(0).normal(size=(64, 6))
    encoder = ContrastiveEncoder(name, epochs=2, batch_size=16, random_state=0, overrides={"encoder.width": 32})
    z = encoder.fit_transform(x)
    assert z.shape == (64, 32)
    assert np.isfinite(z).all()
    assert z.std(0).max() > 0


def test_the_published_network_trains_at_a_small_width():
    x = np.random.default_rng(0).normal(size=(600, 6))
    overrides = {"encoder.width": 1, "train.warmup_epochs": 1.0}
    encoder = ContrastiveEncoder("imix-covtype-npair", epochs=2, random_state=0, overrides=overrides)
    assert encoder.fit_transform(x).shape == (600, 32)
