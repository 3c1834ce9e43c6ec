"""Test that shipped recipes state their source, command, time and expected number, and train."""

import warnings

import networkx as nx
import numpy as np
import pytest

from contramix import ContrastiveEncoder
from contramix.domains import DOMAINS
from contramix.encoders.resnet import ResNet
from contramix.recipe import Recipe
from contramix.recipes import data_formats, domains, shipped

EACH = [(domain, name) for domain in domains() for name in shipped(domain)]
NAMES = [name for name in shipped() if "covtype" not in name and "higgs" not in name]  # their width is not the output's


@pytest.mark.parametrize(("domain", "name"), EACH)
def test_header_states_what_it_must(domain, name):
    lines = shipped(domain)[name].read_text().splitlines()
    assert lines[0].startswith("# ")
    for word in ("Source", "Command", "Time"):
        assert any(line.startswith(f"# {word}: ") for line in lines), word
    assert any(line.startswith(("# Expected: ", "# Published: ")) for line in lines)
    assert Recipe.load(name, domain=domain).domain == domain


def test_each_domain_has_recipes_and_says_what_files_it_reads():
    assert set(domains()) == set(DOMAINS)
    assert len(data_formats().split("; ")) == len(DOMAINS)
    assert "time series (.ts" in data_formats()


def test_the_same_names_stand_for_the_same_methods_in_each_domain():
    tables = set(shipped("table"))
    for domain in domains():
        assert {"npair", "simclr", "moco", "byol", "simsiam", "dacl", "dacl-plus", "gaussian", "simclr-dacl"} <= set(
            shipped(domain)
        )
        for name in tables & set(shipped(domain)):
            mine, theirs = Recipe.load(name, domain=domain), Recipe.load(name)
            assert type(mine.method) is type(theirs.method)
            assert (mine.imix is None) == (theirs.imix is None)
            assert len(mine.extra) == len(theirs.extra)


@pytest.mark.parametrize("name", NAMES)
def test_trains_on_a_small_table(name):
    x = np.random.default_rng(0).normal(size=(64, 6))
    encoder = ContrastiveEncoder(name, epochs=2, batch_size=16, random_state=0, overrides={"encoder.width": 32})
    z = encoder.fit_transform(x)
    assert z.shape == (64, 32)
    assert np.isfinite(z).all()
    assert z.std(0).max() > 0


def few_images(draw):
    return draw.integers(0, 256, (16, 12, 12, 3), dtype=np.uint8), {"image.size": 12}


def few_clips(draw):
    x = draw.normal(0, 0.1, (16, 400)).clip(-1, 1).astype(np.float32)
    return x, {"domain": "audio", "audio.sample_rate_hz": 1000, "audio.seconds": 0.4, "audio.mels": 8}


def few_series(draw):
    return [draw.normal(size=(2, 12 + n)) for n in range(16)], {}


def few_texts(draw):
    return [" ".join(draw.choice(["rain", "snow", "wind", "sun"], 3 + n % 5)) for n in range(16)], {"encoder.heads": 1}


def few_graphs(draw):
    return [nx.gnp_random_graph(3 + n % 4, 0.5, seed=int(draw.integers(1000))) for n in range(16)], {}


FEW = {"image": few_images, "audio": few_clips, "series": few_series, "text": few_texts, "graph": few_graphs}


@pytest.mark.parametrize(("domain", "name"), [(domain, name) for domain, name in EACH if domain in FEW])
def test_trains_on_a_few_records(domain, name):
    x, small = FEW[domain](np.random.default_rng(0))
    small |= {"encoder.width": 2, "train.warmup_epochs": 0.0}
    small |= {"encoder.depth": 18} if isinstance(Recipe.load(name, domain=domain).encoder, ResNet) else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        encoder = ContrastiveEncoder(name, epochs=1, batch_size=8, random_state=0, overrides=small)
        z = encoder.fit_transform(x)
    assert len(z) == 16
    assert np.isfinite(z).all()


def test_the_published_network_trains_at_a_small_width():
    x = np.random.default_rng(0).normal(size=(600, 6))
    overrides = {"encoder.width": 1, "train.warmup_epochs": 1.0}
    encoder = ContrastiveEncoder("imix-covtype-npair", epochs=2, random_state=0, overrides=overrides)
    assert encoder.fit_transform(x).shape == (600, 32)
