"""Provide a small suite with a table and with graphs."""

import pytest

OWN = """
title = "An own suite"
source = "nowhere"

[[data]]
data = "bank"
parity = "least-squares"
baselines = ["raw", "untrained"]

[data.scales.smoke]
note = "tiny"
set = { "encoder.width" = 8, "train.epochs" = 2, "train.batch_size" = 32 }
rows = 100
seeds = 2

[[data.rows]]
name = "plain"
recipe = "npair"
published = { percent = 12.5, provenance = "recalled" }

[[data.rows]]
name = "mixed"
recipe = "imix-npair"

[[data]]
data = "MUTAG"
protocol = "folds"
baselines = ["raw", "untrained"]
set = { "graph.features" = "ones" }

[data.scales.smoke]
note = "tiny"
set = { "encoder.width" = 4, "train.epochs" = 6, "train.auto_batch" = 100 }
seeds = 2

[[data.rows]]
name = "dacl"
recipe = "dacl-mutag"
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    path = tmp_path_factory.mktemp("suite") / "own.toml"
    path.write_text(OWN)
    return path
