"""Test that real text data sets have their official splits, and compare TF-IDF's scores with known ones."""

import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from contramix.domains import DOMAINS, find_domain
from contramix.domains.text.settings import TextSettings
from contramix.errors import InputError
from contramix.evaluation.baselines import EvaluationRecords
from contramix.evaluation.baselines.tfidf import tfidf
from contramix.evaluation.problem import PredictionProblem
from contramix.io.options import ReadOptions
from contramix.models.labeled_records import prepare_labeled_records

DATA = Path(__file__).parents[3] / "shared" / "data" / "text"
AUTO = TextSettings()


def need(*names):
    for name in names:
        if not (DATA / name).exists():
            pytest.skip(f"needs text/{name} in a folder shared/data beside the repository")
    return DATA / names[0]


def linked(folder, *names):
    """A folder with some of the files."""
    need(*names)
    for name in names:
        (folder / name).symlink_to(DATA / name)
    return folder


def test_trec(tmp_path):
    folder = linked(tmp_path, "TREC.train.all.gz", "TREC.test.all.gz")
    assert find_domain(folder) == "text"
    reading = DOMAINS["text"].read(folder, ReadOptions(), AUTO)
    assert (reading.splits, reading.target) == (("train", "test"), "label")
    assert (reading.training.num_rows, reading.test.num_rows) == (5452, 500)
    assert reading.notes == ("TREC.train.all.gz is not UTF-8 and is read as Latin-1; `encoding` says otherwise",)
    raw = gzip.decompress((DATA / "TREC.train.all.gz").read_bytes()).decode("latin-1").rstrip("\n").split("\n")
    rows = zip(reading.training.column("label").to_pylist(), reading.training.column("text").to_pylist())
    assert [f"{label} {text}" for label, text in rows] == [line.strip() for line in raw]
    spec, notes = DOMAINS["text"].spec.learn(reading.training, AUTO, "label")
    assert (spec.rows, spec.vocabulary, spec.max_tokens) == (5452, 4000, 31)
    assert notes == ("49 texts are longer than 31 tokens and are truncated",)


def test_sst2(tmp_path):
    folder = linked(tmp_path, *(f"stsa.binary.{part}.gz" for part in ("train", "dev", "test")))
    reading = DOMAINS["text"].read(folder, ReadOptions(), AUTO)
    assert Counter(reading.table.column("part").to_pylist()) == {"train": 6920, "valid": 872, "test": 1821}
    assert Counter(reading.test.column("label").to_pylist()) == {"0": 912, "1": 909}
    assert reading.notes == ()


def test_both_in_one_folder_are_told_apart():
    need("TREC.train.all.gz", "stsa.binary.train.gz")
    assert find_domain(DATA) == "text"
    with pytest.raises(InputError, match="holds 2 data sets"):
        DOMAINS["text"].read(DATA, ReadOptions(), AUTO)


def test_tfidf_on_trec():
    read = [DOMAINS["text"].read(need(f"TREC.{part}.all.gz"), ReadOptions(), AUTO).table for part in ("train", "test")]
    spec, _ = DOMAINS["text"].spec.learn(read[0], AUTO, "label")
    data = prepare_labeled_records(spec, read[0], "label", test=read[1])
    train = np.arange(1000)
    problem = PredictionProblem(data.task, train, data.y[train], data.official_test)
    predicted = tfidf(EvaluationRecords(spec, data.content, data.x))(problem)
    accuracy = (predicted.value == data.y[data.official_test]).mean()
    assert 0.78 < accuracy < 0.85
