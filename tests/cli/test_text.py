"""Test texts given by path: every command, its messages, and wrong calls."""

import gzip
import json
import random
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from torch import nn

import contramix
from contramix import ContrastiveClassifier, ContrastiveEncoder
from contramix.domains import DOMAINS
from contramix.domains.text.settings import TextSettings
from contramix.errors import ContramixWarning, InputError
from contramix.io.options import ReadOptions
from contramix.recipe import Recipe
from contramix.runs.pretrain import RunOptions, pretrain_into
from contramix.runs.source import MemorySource
from contramix.training.reporter import Reporter

pytest.importorskip("tokenizers", reason="reading text needs tokenizers")

SMALL = {"encoder.width": 8, "encoder.layers": 1, "train.batch_size": 16}
TINY = ("--epochs", "1", "--set", "encoder.width=8", "--set", "encoder.layers=1", "--set", "train.batch_size=16")
PROBED = ("--seeds", "1", "--probes", "linear", "--baselines", "tfidf", "--labels-per-class", "")
WORDS = {"0": ["dull", "long", "sad", "flat"], "1": ["warm", "funny", "fine", "bright"]}


def sentences(rows, seed=0, swapped=False):
    """Labels, and what the films are called."""
    draw = random.Random(seed)
    made = []
    for n in range(rows):
        words = WORDS[str((n + swapped) % 2)]
        made.append((str(n % 2), f"a {draw.choice(words)} , {draw.choice(words)} film number {draw.randrange(9)} ."))
    return made


def lines(*args, **how):
    return "".join(f"{label} {text}\n" for label, text in sentences(*args, **how)).encode()


def put(name, content):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(content)
    return name


@pytest.fixture
def films(here, run):
    """Lines with labels, and a run on them."""
    put("films.all.gz", gzip.compress(lines(48)))
    run.done("pretrain", "films.all.gz", "--out", "run", *TINY)


def test_official_parts_by_path_alone(here, run):
    """In the test part labels are swapped, so that a probe that has learned all gets nothing right there, and there
    only."""
    put("sst/films.train.gz", gzip.compress(lines(32)))
    put("sst/films.dev.gz", gzip.compress(lines(8, seed=1)))
    put("sst/films.test.gz", gzip.compress(lines(16, seed=2, swapped=True)))
    told = run.done("pretrain", "sst", "--out", "run", *TINY, "--json")
    told.says("pre-training sees the 32 texts of the training part, of 56", "labels (2 classes), which are no input")
    made = json.loads(told.out)
    assert (made["records"], made["rows"], made["representation"]) == ("texts", 32, 16)
    run.done("embed", "run", "sst", "--out", "z.parquet", "--keep", "text")
    table = pq.read_table("z.parquet")
    assert table.column("part").to_pylist() == ["train"] * 32 + ["valid"] * 8 + ["test"] * 16
    assert table.column("text").to_pylist()[:32] == [text for _, text in sentences(32)]
    for command, arguments in {"evaluate": ("run", "sst"), "compare": ("sst", "--recipes", "dacl", *TINY)}.items():
        report = json.loads(run.done(command, *arguments, *PROBED, "--json").out)
        rows = {row["name"]: row["mean"] for row in report["rows"] if row["labels_per_class"] is None}
        assert rows["tfidf"] == 0.0
        assert report["labelled"] == {"training": 32, "test": 16}


def test_every_command_on_lines_with_labels(films, run):
    put("test.txt", lines(20, seed=3))
    for command in (
        ("embed", "run", "films.all.gz", "--out", "z.csv"),
        ("info", "run"),
        ("report", "run", "test.txt"),
        ("finetune", "run", "films.all.gz", "--out", "model", "--epochs", "1"),
        ("predict", "model", "test.txt", "--out", "p.parquet", "--keep", "text"),
        ("tune", "films.all.gz", "--out", "tuned", "--trials", "1", "--steps", "1", *TINY[2:]),
    ):
        run.done(*command)
    assert pq.read_table("p.parquet").column("text").to_pylist() == [text for _, text in sentences(20, seed=3)]
    # The map shows texts beside their neighbours.
    assert sentences(20, seed=3)[7][1] in Path("run/report.html").read_text()


def test_an_unfinished_run_goes_on_to_the_same_model(here):
    put("films.txt", lines(48))
    reading = DOMAINS["text"].read("films.txt", ReadOptions(), TextSettings())
    recipe = Recipe.load("imix-moco", {**SMALL, "train.epochs": 4}, "text")

    source, options = MemorySource.from_records(reading), RunOptions(checkpoint_seconds=0.0)

    class Stopping(Reporter):
        def steps(self, title, plan, start, steps):
            for step in steps:
                yield step
                if step.step == 7:
                    raise KeyboardInterrupt

    pretrain_into(Path("whole"), source, recipe)
    with pytest.raises(KeyboardInterrupt):
        pretrain_into(Path("halves"), source, recipe, options=options, reporter=Stopping())
    assert pretrain_into(Path("halves"), source, recipe).resumed_from in (6, 7)
    models = [Path(name, "model.safetensors").read_bytes() for name in ("whole", "halves")]
    assert models[0] == models[1]


def test_a_table_needs_the_domain_named(here, run):
    rows = "".join(f'{n},"{text}",{label}\n' for n, (label, text) in enumerate(sentences(32)))
    put("films.csv", b"id,review,good\n" + rows.encode())
    told = run.done("pretrain", "films.csv", "--domain", "text", "--target", "good", "--out", "run", *TINY)
    told.says("the texts are column 'review' (by its name)")
    run.done("embed", "run", "films.csv", "--out", "z.parquet", "--keep", "text")
    assert pq.read_table("z.parquet").column_names[:4] == ["id", "good", "text", "e0"]
    put("test.csv", Path("films.csv").read_bytes())
    told = run.done("evaluate", "run", "films.csv", "--test", "test.csv", "--target", "good", *PROBED, "--json")
    rows = {row["name"]: row["mean"] for row in json.loads(told.out)["rows"]}
    assert rows["tfidf"] == 1.0
    column = ("--set", "text.column=reviw")
    run.refused("pretrain", "films.csv", "--domain", "text", "--out", "new", *column).says("did you mean 'review'")
    run.refused("evaluate", "run", "films.csv").says("--target: name the column")
    run.refused("evaluate", "run", "films.csv", "--target", "text").says("the input itself")


BAD = {
    "empty": (b"", "empty file"),
    "NUL": (b"1 a film\n0 a\0 film\n", "NUL"),
    "one text": (b"only one line of words\n", "at least 2 rows"),
    "no words": (b"\n\n\n", "no line of text"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_one_line(films, run, case):
    content, word = BAD[case]
    put("bad.txt", content)
    run.refused("pretrain", "bad.txt", "--domain", "text", "--out", "new", *TINY).says(word)
    if case != "one text":
        run.refused("embed", "run", "bad.txt", "--out", "z.npy").says(word)


def test_calls_that_are_wrong(films, run):
    tokens = ("--set", "text.tokenizer=missing.json")
    run.refused("pretrain", "films.all.gz", "--out", "new", *tokens).says("no file missing.json")
    run.refused("pretrain", "films.all.gz", "--out", "new", "--set", "encoder.kind=mlp").says(
        "'mlp' does not take tokens", "'transformer'"
    )
    run.refused("pretrain", "films.all.gz", "--out", "new", "--set", "imix.cut=input").says("'input'", "embed")
    put("two/a.train.gz", gzip.compress(lines(8)))
    put("two/b.train.gz", gzip.compress(lines(8)))
    run.refused("pretrain", "two", "--out", "new").says("2 data sets", "a.train.gz, b.train.gz")


def test_a_damaged_model_is_refused(films, run):
    path = Path("run/spec.json")
    path.write_text(path.read_text().replace("merges", "murges"))
    run.refused("embed", "run", "films.all.gz", "--out", "z.npy").says("run/spec.json: not a specification of text")


# ---------------------------------------------------------------- in Python

TEXTS = [text for _, text in sentences(48)]
LABELS = np.array([label for label, _ in sentences(48)])


@pytest.mark.filterwarnings("ignore::contramix.errors.ContramixWarning")
def test_lists_of_sentences(tmp_path):
    encoder = ContrastiveEncoder("imix-npair", epochs=2, random_state=0, overrides=SMALL).fit(TEXTS)
    z = encoder.transform(TEXTS)
    assert (z.shape, z.dtype) == ((48, 16), np.float32)
    np.testing.assert_allclose(encoder.transform([TEXTS[5]]), z[5:6], atol=1e-5)
    encoder.save(tmp_path / "model")
    assert np.array_equal(contramix.load(tmp_path / "model").transform(TEXTS), z)
    again = ContrastiveEncoder("imix-npair", epochs=2, random_state=0, overrides=SMALL).fit_transform(TEXTS)
    assert np.array_equal(again, z)
    assert encoder.partial_fit(TEXTS).transform(["", None, TEXTS[0]]).shape == (3, 16)


def test_a_classifier_of_sentences_learns_from_few_labels():
    y = np.where(np.arange(48) < 24, LABELS, "-1").astype(int)
    overrides = {**SMALL, "encoder.width": 16}
    model = ContrastiveClassifier(
        "imix-npair",
        epochs=5,
        random_state=0,
        overrides=overrides,
        head="finetune",
        finetune={"epochs": 60, "lr": 3e-3},
    ).fit(TEXTS, y)
    assert (model.predict(TEXTS[24:]) == LABELS[24:].astype(int)).mean() > 0.8


def test_what_is_cut_is_warned_of():
    long = [*TEXTS * 3, "film " * 300]
    with pytest.warns(ContramixWarning, match="1 texts are longer than"):
        ContrastiveEncoder("npair", epochs=1, random_state=0, overrides=SMALL).fit(long)


class Bag(nn.Module):
    """A user's module."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(5000, 6)

    def forward(self, ids, mask):
        there = mask[..., None].float()
        return (self.table(ids) * there).sum(1) / there.sum(1).clamp(min=1)


def test_a_module_of_the_users(tmp_path):
    torch.manual_seed(0)
    encoder = ContrastiveEncoder("dacl", epochs=2, batch_size=16, random_state=0, encoder=Bag()).fit(TEXTS)
    z = encoder.transform(TEXTS)
    assert z.shape == (48, 6)
    encoder.save(tmp_path / "model")
    assert np.array_equal(contramix.load(tmp_path / "model", encoder=Bag()).transform(TEXTS), z)
    with pytest.raises(InputError, match="a module of your own"):
        contramix.load(tmp_path / "model")
