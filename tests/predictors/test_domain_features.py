"""Test features that need no training, and the blends of images, audio, texts, series and graphs."""

import networkx as nx
import numpy as np
import pytest
import torch

import contramix
from contramix import ContrastiveClassifier, InputError
from contramix.domains.graph.spec import GraphSpec
from contramix.predictors import trees
from contramix.predictors.domain_features import BLOCKS, rocket, wl
from contramix.predictors.feature_rows import FeatureScale
from contramix.predictors.few_labels import PLAIN_PARTS, choose_parts
from contramix.samples.graphs import Graphs

Y = np.arange(24) % 2


def images(draw):
    x = draw.integers(0, 60, (24, 8, 8, 3), dtype=np.uint8)
    x[Y == 1, :4] += 90
    return x, {}


def clips(draw):
    tone = np.sin(np.arange(400) * np.where(Y == 1, 0.9, 0.2)[:, None])
    x = (tone + draw.normal(0, 0.1, (24, 400))).clip(-1, 1).astype(np.float32)
    return x, {"domain": "audio", "audio.sample_rate_hz": 1000, "audio.seconds": 0.4, "audio.mels": 8}


def texts(draw):
    return [" ".join(draw.choice(["rain", "wind"] if y else ["sun", "heat"], 4)) for y in Y], {"encoder.heads": 1}


def series(draw):
    return [
        np.sin(np.arange(20 + n % 3) * (0.9 if y else 0.2))[None] + draw.normal(0, 0.1) for n, y in enumerate(Y)
    ], {}


def graphs(draw):
    return [nx.cycle_graph(5 + n % 3) if y else nx.star_graph(5 + n % 3) for n, y in enumerate(Y)], {}


@pytest.mark.filterwarnings("ignore::contramix.errors.ContramixWarning")
@pytest.mark.parametrize(
    ("domain", "make"),
    [("image", images), ("audio", clips), ("text", texts), ("series", series), ("graph", graphs)],
)
def test_the_blend_of_each_domain_learns_and_survives_a_folder(domain, make, tmp_path, monkeypatch):
    monkeypatch.setattr(trees, "MODELS", {name: (kind, 10, 5) for name, (kind, _, _) in trees.MODELS.items()})
    x, small = make(np.random.default_rng(0))
    labels = np.where(np.arange(24) < 16, Y, -1)
    model = ContrastiveClassifier(epochs=1, batch_size=8, random_state=0, overrides=small | {"encoder.width": 4})
    model.fit(x, labels)
    expected = {part.blocks[0] for part in PLAIN_PARTS[domain]}
    assert set(model.model_.raw) == expected
    assert np.mean(model.predict(x) == Y) == 1
    model.save(tmp_path)
    np.testing.assert_array_equal(contramix.load(tmp_path).predict_proba(x), model.predict_proba(x))


def test_each_domain_has_plain_parts_whose_weights_sum_to_one():
    for domain, parts in PLAIN_PARTS.items():
        assert sum(part.prior for part in parts) == pytest.approx(1)
        assert sum(part.prior for part in choose_parts(domain, 2)) == pytest.approx(2)
        assert {block for part in parts for block in part.blocks} <= BLOCKS.keys()


def packed(order):
    """Two graphs: a path with labeled ends, and a triangle; the nodes of the path in another order."""
    place = np.argsort(order)
    path, triangle = [(place[a], place[a + 1]) for a in range(3)], [(4, 5), (5, 6), (6, 4)]
    both = torch.tensor([pair for edges in (path, triangle) for a, b in edges for pair in ((a, b), (b, a))]).T
    x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])[torch.tensor(order)]
    return Graphs(torch.cat([x, torch.ones(3, 2)]), both, torch.tensor([4, 3]), torch.tensor([6, 6]), undirected=True)


def test_colors_of_graphs_depend_on_no_order_of_nodes_and_on_no_other_graph():
    spec = GraphSpec.model_construct()
    one, other = packed([0, 1, 2, 3]), packed([2, 0, 3, 1])
    found = wl(spec, one)
    assert found.shape == (2, 2048)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(found, wl(spec, other))
    np.testing.assert_array_equal(found[1:], wl(spec, one[torch.tensor([1])]))
    assert (found[0] != found[1]).any()
    # Two kinds of ends and middles, and in each round those near an end; a triangle has one color in each round.
    assert (found[1] > 0).sum() == 5


def test_random_kernels_are_for_series():
    with pytest.raises(InputError, match="are for series"):
        rocket(GraphSpec.model_construct(), packed([0, 1, 2, 3]))
    with pytest.raises(InputError, match="are for graphs"):
        wl(GraphSpec.model_construct(), torch.zeros(2, 3))


def test_one_scale_is_the_root_mean_square_deviation():
    rng = np.random.default_rng(0)
    z = np.stack([rng.random(1000) < 0.01, 0.01 * rng.normal(size=1000)], 1).astype(np.float32)
    scale = FeatureScale.learn(z, np.arange(1000)).with_one_scale()
    np.testing.assert_allclose(scale.scale, np.sqrt((z.std(0) ** 2).mean()), rtol=1e-3)
