"""Test graph data given by path: every command, its messages, wrong calls, and estimators on lists of graphs."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import networkx as nx
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from torch import nn

import contramix
from contramix import ContrastiveClassifier, ContrastiveEncoder
from contramix.domains import DOMAINS
from contramix.domains.graph.settings import GraphSettings
from contramix.errors import ContramixWarning, InputError
from contramix.io.options import ReadOptions
from contramix.models.pretraining import Fit, learn_spec
from contramix.monitoring.alarms import Alarms
from contramix.monitoring.health import Health
from contramix.recipe import Recipe

SMALL = {"encoder.width": 4, "encoder.layers": 2, "train.batch_size": 16}
SET = [part for name, value in SMALL.items() for part in ("--set", f"{name}={value}")]
TINY = ("--epochs", "1", *SET)
PROBED = ("--seeds", "1", "--probes", "linear", "--labels-per-class", "")


def molecules(number: int = 48, seed: int = 0) -> list[nx.Graph]:
    """Rings (class 1) and trees (class -1) of like sizes, whose nodes have labels of which the class says nothing."""
    draw = np.random.default_rng(seed)
    made = []
    for n in range(number):
        nodes = int(draw.integers(5, 9))
        graph = nx.cycle_graph(nodes) if n % 2 else nx.random_labeled_tree(nodes, seed=int(draw.integers(1 << 30)))
        graph.graph["y"] = 1 if n % 2 else -1
        for node in graph:
            graph.nodes[node]["label"] = int(draw.integers(3))
        made.append(graph)
    return made


def raw(graphs: list[nx.Graph], labelled: bool = True) -> dict[str, str]:
    """The raw files of a data set."""
    edges, indicator, labels, before = [], [], [], 1
    for number, graph in enumerate(graphs, start=1):
        for a, b in graph.edges():
            edges += [f"{a + before}, {b + before}", f"{b + before}, {a + before}"]
        indicator += [str(number)] * len(graph)
        labels += [str(graph.nodes[node]["label"]) for node in graph]
        before += len(graph)
    files = {"A": edges, "graph_indicator": indicator, "graph_labels": [str(g.graph["y"]) for g in graphs]}
    files |= {"node_labels": labels} if labelled else {}
    return {part: "\n".join(lines) + "\n" for part, lines in files.items()}


def pack(name: str, files: dict[str, str]) -> str:
    stem = Path(name).stem
    with zipfile.ZipFile(name, "w") as archive:
        for part, text in files.items():
            archive.writestr(f"{stem}/{stem}_{part}.txt", text)
    return name


@pytest.fixture(scope="module")
def of_rings(tmp_path_factory, run):
    """A zip, and a run on it; not to be changed."""
    folder = tmp_path_factory.mktemp("graphs")
    pack(str(folder / "RINGS.zip"), raw(molecules()))
    run.done("pretrain", folder / "RINGS.zip", "--out", folder / "run", "--recipe", "dacl", *TINY)
    return folder


@pytest.fixture
def rings(of_rings, here):
    """A current folder with both."""
    shutil.copytree(of_rings, here, dirs_exist_ok=True)


@pytest.mark.parametrize("recipe", ["dacl", "infograph", "imix-npair"])
def test_pretrain_and_embed(here, run, recipe):
    pack("RINGS.zip", raw(molecules()))
    told = run.done("pretrain", "RINGS.zip", "--out", "run", "--recipe", recipe, *TINY, "--json")
    told.says("the data carry labels (2 classes), which are no input")
    made = json.loads(told.out)
    assert (made["records"], made["rows"], made["representation"]) == ("graphs", 48, 8)
    assert made["form"] == "nodes with 3 features: labels"
    assert made["alarms"] == [] or recipe == "dacl"
    run.done("embed", "run", "RINGS.zip", "--out", "z.parquet")
    table = pq.read_table("z.parquet")
    assert table.column_names == ["label", *(f"e{n}" for n in range(8))]
    assert table.column("label").to_pylist() == ["-1", "1"] * 24
    z = np.stack([table.column(f"e{n}").to_numpy() for n in range(8)], 1)
    assert np.isfinite(z).all()
    assert len(np.unique(z, axis=0)) > 20


def test_every_command(rings, run):
    pack("OTHER.zip", raw(molecules(20, seed=1)))
    for command in (
        ("info", "run"),
        ("report", "run", "OTHER.zip"),
        ("embed", "run", "OTHER.zip", "--out", "z.csv"),
        ("finetune", "run", "RINGS.zip", "--out", "model", "--epochs", "1"),
        ("predict", "model", "OTHER.zip", "--out", "p.parquet"),
        ("tune", "RINGS.zip", "--out", "tuned", "--trials", "1", "--steps", "1", *SET),
    ):
        run.done(*command)
    run.done("predict", "model", "RINGS.zip", "--out", "p.csv")
    label, prediction = zip(*(line.split(",")[:2] for line in Path("p.csv").read_text().splitlines()))
    assert label == ('"label"', *('"-1"', '"1"') * 24)  # a class, not a formula
    assert set(prediction[1:]) <= {'"-1"', '"1"'}
    assert set(pq.read_table("p.parquet").column("prediction").to_pylist()) <= {"-1", "1"}
    assert len(pq.read_table("p.parquet")) == 20


def test_evaluate_beside_plain_baselines_that_see_structure(rings, run):
    told = run.done("evaluate", "run", "RINGS.zip", *PROBED, "--baselines", "raw,wl,untrained,gaussian", "--json")
    rows = {row["name"]: row["mean"] for row in json.loads(told.out)["rows"] if row["probe"] != "finetune"}
    assert rows.keys() >= {"raw", "wl", "untrained", "gaussian", "dacl"}
    assert rows["wl"] >= 0.8
    assert rows["raw"] == 1.0  # rings have no node of one neighbour


def test_compare_recipes(here, run):
    pack("RINGS.zip", raw(molecules()))
    arguments = ("--recipes", "dacl,infograph,imix-npair", "--baselines", "wl,raw,untrained", "--out", "runs")
    told = run.done("compare", "RINGS.zip", *arguments, *PROBED, *TINY, "--json")
    names = [row["name"] for row in json.loads(told.out)["rows"]]
    assert set(names) >= {"dacl", "infograph", "imix-npair", "wl", "raw", "untrained"}
    assert json.loads(told.out)["target"] == "label"


def test_a_killed_run_goes_on_to_the_same_model(here, run):
    pack("RINGS.zip", raw(molecules()))
    how = ("RINGS.zip", "--recipe", "infograph", "--epochs", "30", *SET, "--quiet")
    run.done("pretrain", *how, "--out", "whole")
    line = [sys.executable, "-m", "contramix.cli", "pretrain", *how, "--out", "halves", "--checkpoint-seconds", "0.02"]
    process = subprocess.Popen(line, env={**os.environ, "OMP_NUM_THREADS": "1"})
    while process.poll() is None and not list(Path("halves/checkpoint").glob("step-*")):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    told = run.done("pretrain", *how, "--out", "halves", "--json")
    assert json.loads(told.out)["resumed_from"] > 0
    models = [Path(name, "model.safetensors").read_bytes() for name in ("whole", "halves")]
    assert models[0] == models[1]


def test_odd_graphs_train(here, run):
    """Without edges, without nodes, of one node, with self loops and edges that stand there twice."""
    files = raw(molecules())
    first = sum(len(graph) for graph in molecules()) + 1
    files["graph_indicator"] += "49\n49\n51\n52\n"
    files["node_labels"] += "0\n7\n1\n2\n"
    files["graph_labels"] += "1\n-1\n1\n-1\n"
    files["A"] += f"{first + 2}, {first + 2}\n" * 2
    pack("ODD.zip", files)
    told = run.done("pretrain", "ODD.zip", "--out", "run", *TINY)
    edges = len(files["A"].splitlines())
    told.says(f"1 of {edges} edges are repeated", "1 edges lead from a node to itself", "1 of 52 graphs have no nodes")
    run.done("embed", "run", "ODD.zip", "--out", "z.npy")
    z = np.load("z.npy")
    assert z.shape == (52, 8)
    assert not z[49].any()


def test_nodes_without_labels_have_degrees(here, run):
    pack("PLAIN.zip", raw(molecules(), labelled=False))
    told = run.done("pretrain", "PLAIN.zip", "--out", "run", *TINY, "--set", "graph.most_degree=9", "--json")
    told.says("nodes have neither labels nor attributes: their features are their degrees (graph.features)")
    assert json.loads(told.out)["form"] == "nodes with 10 features: degree"


# ---------------------------------------------------------------- calls that are wrong


def test_what_is_wrong_is_one_line(rings, run):
    pack("PLAIN.zip", raw(molecules(), labelled=False))
    run.refused("embed", "run", "PLAIN.zip", "--out", "z.npy").says("0 columns of labels; those of the training", "1")
    run.refused("evaluate", "run", "PLAIN.zip").says("PLAIN.zip", "0 columns of labels")
    wrong = raw(molecules()) | {"A": "1, 2\n2, 900\n"}
    pack("WRONG.zip", wrong)
    run.refused("pretrain", "WRONG.zip", "--out", "new").says("WRONG_A.txt line 2: 2, 900, but nodes are numbered from")
    pack("WRONG.zip", {part: text for part, text in raw(molecules()).items() if part != "graph_indicator"})
    run.refused("pretrain", "WRONG.zip", "--out", "new").says("WRONG.zip: there is no file ..._graph_indicator.txt")
    how = ("pretrain", "RINGS.zip", "--out", "new")
    run.refused(*how, "--set", "encoder.kind=mlp").says("'mlp' does not take graphs (packed graphs); take 'gin'")
    run.refused(*how, "--set", "noise.cut=input").says("nothing can be mixed or changed at 'input'", "layer1")
    run.refused(*how, "--set", "graph.features=attributes").says("graph.features = 'attributes': the nodes have none")
    run.refused(*how, "--set", "graph.feature=ones").says("unknown setting 'graph.feature'; did you mean 'features'?")
    run.refused(*how, "--set", "graph.dataset=RINGZ").says("'RINGZ' is not there; did you mean 'RINGS'?")
    run.refused(*how, "--recipe", "scarf").says("'scarf' is for domain 'table'")
    run.refused(*how, "--recipe", "infograph", "--set", "imix.alpha=1").says("no virtual labels to mix; leave imix out")
    run.refused(*how, "--recipe", "dacl", "--set", "method.kind=infograph").says(
        "do not exist any more at 'output'", "noise.cut"
    )
    run.refused("evaluate", "run", "RINGS.zip", "--target", "graph").says("the input itself; name a column of labels")


def test_the_domain_can_be_named_and_may_be_wrong(rings, run):
    Path("folder").mkdir()
    for part, text in raw(molecules(8)).items():
        Path(f"folder/DS_{part}.txt").write_text(text)
    for part in ("graph_indicator", "graph_labels", "node_labels"):
        Path(f"folder/DS_{part}.txt").rename(f"folder/DS_{part}.TXT")
    run.done("pretrain", "folder", "--domain", "graph", "--out", "run2", *TINY, "--set", "train.batch_size=8")
    Path("rows.csv").write_text("a,b\n1,2\n3,4\n")
    run.refused("pretrain", "rows.csv", "--domain", "graph", "--out", "new").says(
        "rows.csv: holds no file that ends in"
    )


# ---------------------------------------------------------------- health


def test_health_and_alarms_of_graphs(rings):
    """DACL's mild mixing is too easy; of InfoGraph, which has one view, nothing of the kind is said."""
    reading = DOMAINS["graph"].read("RINGS.zip", ReadOptions(), GraphSettings())
    for name, changes, raised in (
        ("dacl", {"noise.alpha": 0.999}, {"too_easy"}),
        ("infograph", {}, set()),
        ("dacl", {"noise": {"kind": "mixup", "operators": ["linear"], "alpha": 0.1, "cut": "layer1"}}, set()),
    ):
        recipe = Recipe.load(name, {**SMALL, "train.epochs": 6, **changes}, "graph")
        spec, _ = learn_spec(reading.table, recipe)
        fit = Fit.begin(recipe, spec, spec.tensorize(reading.table), seed=0)
        health, alarms = Health(fit, reading.table.column("label")), Alarms(fit)
        for step in fit.steps():
            if step.step in health.due:
                alarms.update(health.read(step))
        last = alarms.readings[-1].health
        assert last["effective_rank"] > 1
        assert 0 <= last["knn"] <= 1
        assert {alarm["name"] for alarm in alarms.facts()["alarms"]} & {"too_easy", "too_hard"} == raised


# ---------------------------------------------------------------- in Python


def as_data(graphs: list[nx.Graph]) -> list:
    pyg = pytest.importorskip("torch_geometric.data", reason="gives PyTorch Geometric's graphs")
    made = []
    for graph in graphs:
        edges = torch.tensor(list(graph.edges())).T
        x = nn.functional.one_hot(torch.tensor([graph.nodes[node]["label"] for node in graph]), 3).float()
        both = torch.cat([edges, edges.flip(0)], 1)
        made.append(pyg.Data(x=x, edge_index=both, y=max(0, graph.graph["y"])))
    return made


LABELS = np.array([0, 1] * 24)


@pytest.mark.filterwarnings("ignore::contramix.errors.ContramixWarning")
def test_lists_of_graphs(tmp_path):
    how = {"epochs": 2, "random_state": 0, "overrides": SMALL}
    each = as_data(molecules())
    encoder = ContrastiveEncoder("dacl", **how)
    z = encoder.fit_transform(each)
    assert (z.shape, z.dtype) == ((48, 8), np.float32)
    np.testing.assert_allclose(encoder.transform([each[5]]), z[5:6], rtol=1e-4, atol=1e-5)
    encoder.save(tmp_path / "model")
    assert np.array_equal(contramix.load(tmp_path / "model").transform(each), z)
    assert np.array_equal(ContrastiveEncoder("dacl", **how).fit_transform(each), z)
    pack(str(tmp_path / "RINGS.zip"), raw(molecules()))
    assert np.array_equal(ContrastiveEncoder("dacl", **how).fit_transform(tmp_path / "RINGS.zip"), z)
    # Without labels of nodes: degrees.
    degrees = ContrastiveEncoder("infograph", **how).fit(molecules())
    assert degrees.model_.spec.features_of_nodes == ("degree",)
    assert degrees.transform([nx.Graph(), nx.path_graph(3)]).shape == (2, 8)
    with pytest.raises(InputError, match="0 columns of labels; those of the training graphs have 1"):
        encoder.transform(molecules())
    with pytest.warns(ContramixWarning, match="degrees"):
        ContrastiveEncoder("dacl", **how).fit(molecules())


@pytest.mark.filterwarnings("ignore::contramix.errors.ContramixWarning")
def test_a_classifier_of_graphs_learns_from_few_labels():
    y = np.where(np.arange(48) < 24, LABELS, -1)
    model = ContrastiveClassifier(
        "imix-npair",
        epochs=5,
        random_state=0,
        overrides=SMALL,
        head="finetune",
        finetune={"epochs": 100, "lr": 1e-2},
    ).fit(molecules(), y)
    assert (model.predict(molecules()[24:]) == LABELS[24:]).mean() > 0.9


@pytest.mark.filterwarnings("ignore::contramix.errors.ContramixWarning")
def test_an_encoder_of_the_users(tmp_path):
    gnn = pytest.importorskip("torch_geometric.nn", reason="trains PyTorch Geometric's modules")

    def module():
        torch.manual_seed(0)
        return gnn.GIN(3, 6, 2, norm="batch_norm")

    each = as_data(molecules())
    encoder = ContrastiveEncoder("dacl", epochs=2, batch_size=16, random_state=0, encoder=module()).fit(each)
    z = encoder.transform(each)
    assert z.shape == (48, 6)
    encoder.save(tmp_path / "model")
    assert np.array_equal(contramix.load(tmp_path / "model", encoder=module()).transform(each), z)
    with pytest.raises(InputError, match=r"compares nodes with graphs: it needs graphs and encoder 'gin'"):
        ContrastiveEncoder("infograph", epochs=1, batch_size=16, encoder=module()).fit(each)
