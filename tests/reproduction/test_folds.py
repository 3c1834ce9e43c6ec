"""Test DACL's protocol on graphs: ten-fold cross-validation, whose finished repeats are reused."""

import json

import numpy as np
import pyarrow.compute as pc

from contramix.evaluation.cross_validation import adam_on_folds
from contramix.evaluation.features import untrained_encoder
from contramix.evaluation.probes import PROBES
from contramix.models.inference import embed
from contramix.models.labeled_records import prepare_labeled_records
from contramix.models.pretraining import learn_spec
from contramix.reproduction import synthetic_data
from contramix.reproduction.reproduce import reproduce
from contramix.reproduction.splits import Splits
from contramix.reproduction.suite import Suite


def test_folds_are_the_published_protocol_and_are_taken_as_they_are(own, tmp_path, monkeypatch):
    monkeypatch.setitem(PROBES, "linear", PROBES["least-squares"])  # it takes much less time
    suite = Suite.load(own)
    block, splits = suite.data[1], Splits(synthetic_data.graphs(), None, "label")
    report = reproduce(suite, block, "smoke", splits, tmp_path)
    (recipe,) = block.recipes("smoke")
    spec, _ = learn_spec(splits.train, recipe, "label")
    data = prepare_labeled_records(spec, splits.train, "label")
    z = [embed(untrained_encoder(recipe, spec, seed), data.x) for seed in (0, 1)]
    wanted = [adam_on_folds(each, data.y, seed=seed).mean() for seed, each in enumerate(z)]
    (row,) = (r for r in report["parity"] if r["name"] == "untrained")
    assert np.allclose(row["each"], wanted, atol=1e-4)
    assert {r["name"] for r in report["rows"]} == {"raw", "untrained", "dacl"}
    assert {r["name"] for r in report["parity"]} == {"untrained", "dacl"}
    kept = tmp_path / "dacl" / "seed1" / "report.json"
    assert np.shape(json.loads(kept.read_text())["published"]) == (5, 10)
    written = kept.stat().st_mtime_ns
    assert reproduce(suite, block, "smoke", splits, tmp_path)["rows"] == report["rows"]
    assert kept.stat().st_mtime_ns == written
    fewer = splits._replace(train=splits.train.filter(pc.not_equal(splits.train["label"], "class 2")))
    reproduce(suite, block, "smoke", fewer, tmp_path)
    assert kept.stat().st_mtime_ns > written
