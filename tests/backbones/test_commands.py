"""Test the commands with a frozen backbone: texts, columns of a table, interrupted passes, and wrong calls."""

import json
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import contramix
from contramix.backbones.sentences import Sentences

pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")

SMALL = ("--epochs", "1", "--set", "encoder.depth=1", "--set", "encoder.width=8")


def sentences(rows=60):
    animal, color = ["cat", "dog", "house"], ["red", "green", "blue", "fast"]
    return pd.DataFrame(
        {
            "text": [f"the {color[n % 4]} {animal[n * 7 % 3]} is {'not ' * (n % 2)}good {n % 5}" for n in range(rows)],
            "label": ["no" if n % 2 else "yes" for n in range(rows)],
            "stars": np.arange(rows) % 5,
        }
    )


@pytest.fixture
def reviews(here, small_model):
    """Return the options of a command on a file of texts with the small model as backbone."""
    sentences().to_csv("reviews.csv", index=False)
    return ("reviews.csv", "--domain", "text", "--target", "label", "--backbone", str(small_model))


def test_a_run_on_vectors_of_texts_embeds_predicts_and_is_evaluated(reviews, run, small_model):
    made = run.done("pretrain", *reviews, "--recipe", "npair", "--out", "run", "--json", *SMALL)
    facts = json.loads(made.out)
    assert (facts["records"], facts["rows"], facts["columns"]) == ("texts", 60, 1)
    recipe = tomllib.loads(Path("run/recipe.toml").read_text())
    assert recipe["domain"] == "table"
    assert recipe["backbone"]["name"] == str(small_model)
    assert len(recipe["backbone"]["sha256"]) == 64
    run.done("embed", "run", "reviews.csv", "--out", "z.parquet", "--keep", "text")
    table = pq.read_table("z.parquet")
    assert table.column_names[:3] == ["label", "stars", "text"]
    z = np.stack([table[f"e{n}"].to_numpy() for n in range(8)], 1)
    np.testing.assert_allclose(z, contramix.load("run").transform(sentences()["text"].tolist()), atol=1e-5)
    run.done("fit", "run", "reviews.csv", "--target", "label", "--out", "model")
    run.done("predict", "model", "reviews.csv", "--out", "p.csv")
    assert len(pd.read_csv("p.csv")) == 60
    scores = json.loads(run.done("evaluate", "run", "reviews.csv", "--target", "label", "--draws", "2", "--json").out)
    assert {row["name"] for row in scores["rows"]} == {"chance", "frozen", "pca", "untrained", "npair"}


def test_a_comparison_states_the_frozen_vectors_as_baseline(reviews, run):
    made = run.done("compare", *reviews, "--recipes", "npair,dacl-plus", "--draws", "2", "--out", "c", "--json", *SMALL)
    report = json.loads(made.out)
    names = {row["name"] for row in report["rows"]}
    assert names == {"chance", "frozen", "pca", "untrained", "npair", "dacl-plus"}
    assert {verdict["against"] for verdict in report["verdicts"]} <= {"frozen", "untrained"}


def test_an_interrupted_pass_goes_on_and_gives_the_same_run(reviews, run, monkeypatch):
    options = (*reviews, "--recipe", "npair", "--set", "backbone.batch_size=8", *SMALL)
    run.done("pretrain", *options, "--out", "whole")
    encode, seen = Sentences.encode, []

    def fails(self, values):
        if len(seen) == 3:
            raise KeyboardInterrupt
        seen.append(list(values))
        return encode(self, values)

    monkeypatch.setattr(Sentences, "encode", fails)
    assert run.call("pretrain", *options, "--out", "run").code != 0
    later = []
    monkeypatch.setattr(Sentences, "encode", lambda self, values: later.append(list(values)) or encode(self, values))
    run.done("pretrain", *options, "--out", "run")
    assert later
    assert not {text for batch in seen for text in batch} & {text for batch in later for text in batch}
    tensors = [Path(name, "model.safetensors").read_bytes() for name in ("whole", "run")]
    assert tensors[0] == tensors[1]


def test_vectors_can_be_kept_in_a_folder_of_choice(reviews, run, monkeypatch):
    options = (*reviews, "--recipe", "npair", "--backbone-cache", "kept", *SMALL)
    run.done("pretrain", *options, "--out", "a")
    monkeypatch.setattr(Sentences, "encode", lambda self, values: pytest.fail("computed again"))
    run.done("pretrain", *options, "--out", "b")
    assert not any(name.startswith(("a/vectors", "b/vectors")) for name in run.tree())


def test_columns_of_a_table_become_vectors(here, run, small_model):
    table = sentences()
    table.loc[3, "text"] = None
    table.to_csv("t.csv", index=False)
    setting = f'table.backbones.text="{small_model}"'
    made = run.done("pretrain", "t.csv", "--target", "label", "--set", setting, "--out", "run", "--json", *SMALL)
    assert json.loads(made.out)["columns"] == 2
    assert contramix.load("run").model_.spec.kinds == {"numeric": ["stars"], "embedding": ["text"]}
    run.done("embed", "run", "t.csv", "--out", "z.npy")
    loaded = contramix.load("run").transform(table[["text", "stars"]])
    np.testing.assert_allclose(np.load("z.npy"), loaded, atol=1e-5)
    setting = f'table.backbones.stars="{small_model}"'
    run.refused("pretrain", "t.csv", "--set", setting, "--out", "x", *SMALL).says("'stars'", "not text")
    setting = f'table.backbones.txt="{small_model}"'
    run.refused("pretrain", "t.csv", "--set", setting, "--out", "x", *SMALL).says("'txt'", "'text'")


def test_wrong_backbones_are_refused_in_a_line(reviews, run, small_model, tmp_path_factory):
    options = ("pretrain", *reviews[:-1])
    run.refused(*options, "./none", "--out", "run").says("--backbone", "there is no such folder")
    broken = shutil.copytree(small_model, tmp_path_factory.mktemp("broken") / "model")
    (broken / "model.safetensors").unlink()
    run.refused(*options, broken, "--out", "run").says("holds no weights")
    run.refused("pretrain", "reviews.csv", "--backbone", small_model, "--out", "run").says("'table'", "--domain")


def test_a_run_needs_the_weights_that_it_was_trained_with(reviews, run, small_model, tmp_path_factory):
    other = shutil.copytree(small_model, tmp_path_factory.mktemp("other") / "model")
    run.done("pretrain", *reviews[:-1], other, "--recipe", "npair", "--out", "run", *SMALL)
    data = bytearray((other / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (other / "model.safetensors").write_bytes(data)
    from contramix import backbones

    backbones._open.cache_clear()
    failed = run.call("embed", "run", "reviews.csv", "--out", "z.parquet")
    assert failed.code == 2
    failed.says("has other weights than in training")
