"""Test features that need no training, and the blends of images, audio, texts, series and graphs."""

import networkx as nx
import numpy as np
import pytest
import torch

import contramix
from contramix import ContrastiveClassifier, InputError
from contramix.domains.graph.spec import GraphSpec
from contramix.predictors import trees
from contramix.predictors.domain_features import BLOCKS, refine_colors, rocket, terms
from contramix.predictors.feature_rows import FeatureScale
from contramix.predictors.few_labels import LEARNED_PARTS, PLAIN_PARTS, choose_parts

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
        assert sum(part.prior for part in LEARNED_PARTS[domain]) == pytest.approx(1)
        assert sum(part.prior for part in choose_parts(domain, 2)) == pytest.approx(2)
        assert {block for part in parts for block in part.blocks} <= BLOCKS.keys()


def path_and_triangle(order):
    """Return edges and labels of a path with labeled ends and a triangle; the nodes of the path in another order."""
    place = np.argsort(order)
    path, triangle = [(place[a], place[a + 1]) for a in range(3)], [(4, 5), (5, 6), (6, 4)]
    both = np.array([pair for edges in (path, triangle) for a, b in edges for pair in ((a, b), (b, a))]).T
    labels = np.array([*np.array([1, 2, 2, 1])[order], 3, 3, 3], np.uint64)
    return both, labels


def test_colors_of_graphs_do_not_depend_on_the_order_of_nodes():
    one, other = (refine_colors(*path_and_triangle(order)) for order in ([0, 1, 2, 3], [2, 0, 3, 1]))
    assert one.shape == (5, 7)
    np.testing.assert_array_equal(np.sort(one[:, :4]), np.sort(other[:, :4]))
    np.testing.assert_array_equal(one[:, 4:], other[:, 4:])
    # The path has two kinds of nodes, its ends and its middles; the triangle has one.
    assert [len(np.unique(row[:4])) for row in one] == [2] * 5
    assert [len(np.unique(row[4:])) for row in one] == [1] * 5
    assert len(np.unique(one)) == 15


def test_features_of_other_domains_are_refused():
    with pytest.raises(InputError, match="are for series"):
        rocket(GraphSpec.model_construct(), torch.zeros(2, 3))
    with pytest.raises(InputError, match="are for texts"):
        terms(GraphSpec.model_construct(), torch.zeros(2, 3))


def test_one_scale_is_the_root_mean_square_deviation():
    rng = np.random.default_rng(0)
    z = np.stack([rng.random(1000) < 0.01, 0.01 * rng.normal(size=1000)], 1).astype(np.float32)
    scale = FeatureScale.learn(z, np.arange(1000)).with_one_scale()
    np.testing.assert_allclose(scale.scale, np.sqrt((z.std(0) ** 2).mean()), rtol=1e-3)
