"""Collect folders of `contramix reproduce` and `contramix compare` into JSON lines, and read the reports back."""

import json

import pytest

RECIPE = 'name = "npair"\ndomain = "table"\nweight = 1.0\n\n[train]\nepochs = {epochs}\n'
FACTS = {"said": "short", "seeds": 2, "training_rows": 100, "test_rows": 50, "command": "contramix reproduce mine"}


@pytest.fixture
def result_lines(monkeypatch, tmp_path):
    from bench import result_lines

    monkeypatch.setattr(result_lines, "RESULTS", tmp_path / "results")
    return result_lines


def row(name, each):
    return {"name": name, "kind": "recipe", "probe": "linear", "mean": sum(each) / len(each), "each": each}


def write_block(folder, each, epochs=5, claims=()):
    """Write the folder of a block as `contramix reproduce` leaves it; return its report."""
    place = {"suite": folder.parent.parent.name, "block": folder.name, "scale": folder.parent.name}
    facts = {**place, **FACTS, "environment": {"threads": 1}}
    for seed, score in enumerate(each):
        run = folder / "npair" / f"seed{seed}"
        run.mkdir(parents=True, exist_ok=True)
        (run / "recipe.toml").write_text(RECIPE.format(epochs=epochs))
        (run / "report.json").write_text(
            json.dumps({**facts, "row": "npair", "seed": seed, "scores": {"linear": score}})
        )
        (run / "DONE").write_text("2026-01-01T00:00:00+00:00\n")
    report = {**facts, "rows": [row("raw", [0.5, 0.5]), row("npair", each)], "parity": [], "claims": list(claims)}
    (folder / "report.json").write_text(json.dumps(report))
    return report


def test_a_reproduced_block_is_collected(result_lines, tmp_path):
    from bench import run_suites

    report = write_block(tmp_path / "work" / "mine" / "cpu" / "rows", [0.6, 0.8])
    write_block(tmp_path / "work" / "mine" / "smoke" / "rows", [0.1, 0.1])
    run_suites.collect(tmp_path / "work")
    (found,) = result_lines.reports("mine").values()
    assert found.pop("commit")
    assert found == report
    runs = [line for line in result_lines.read("mine") if line["line"] == "run"]
    assert [(run["row"], run["seed"], run["scores"]) for run in runs] == [
        ("npair", 0, {"linear": 0.6}),
        ("npair", 1, {"linear": 0.8}),
    ]
    (recipe,) = result_lines.read("recipes")
    assert {run["settings"] for run in runs} == {recipe["id"]}
    assert recipe["name"] == "npair"
    assert recipe["settings"] == {"weight": 1.0, "train": {"epochs": 5}}


def test_a_block_is_replaced_where_its_scores_are_new(result_lines, tmp_path):
    from bench import run_suites

    folder, other = (tmp_path / "work" / "mine" / "cpu" / name for name in ("rows", "other"))
    write_block(folder, [0.6, 0.8])
    write_block(other, [0.3, 0.4])
    run_suites.collect(tmp_path / "work")
    before = (result_lines.RESULTS / "mine.jsonl").read_text()
    run_suites.collect(tmp_path / "work")
    assert (result_lines.RESULTS / "mine.jsonl").read_text() == before
    write_block(folder, [0.7, 0.8], epochs=6)
    run_suites.collect(tmp_path / "work")
    reports = result_lines.reports("mine")
    assert [r["rows"][1]["each"] for r in reports.values()] == [[0.3, 0.4], [0.7, 0.8]]
    assert len(result_lines.read("recipes")) == 2


def test_a_comparison_is_collected(result_lines, tmp_path):
    run = tmp_path / "out" / "npair" / "seed0"
    run.mkdir(parents=True)
    (run / "recipe.toml").write_text(RECIPE.format(epochs=3))
    command = "contramix compare rows.csv --recipes npair --epochs 3 --set encoder.width=64 --set noise.kind=drop"
    config = {"seed": 0, "recipe": "npair", "seconds": 1.5, "environment": {"threads": 1}, "command": command}
    (run / "config.json").write_text(json.dumps({**config, "steps": 10}))
    report = {"metric": "accuracy", "rows": [row("npair", [0.6])], "verdicts": []}
    (tmp_path / "out" / "report.json").write_text(json.dumps(report))
    result_lines.collect_comparison("mine", "rows", tmp_path / "out", commit="abc")
    found = result_lines.reports("mine")[None, "rows"]
    assert found["rows"] == report["rows"]
    assert found["commit"] == "abc"
    (line,) = (line for line in result_lines.read("mine") if line["line"] == "run")
    assert line["changes"] == {"train.epochs": 3, "encoder.width": 64, "noise.kind": "drop"}
    assert line["config"] == {"command": command, "steps": 10}


def test_experiments_share_a_file(result_lines, monkeypatch):
    lines = {suite: [{"line": "run", "suite": suite, "seed": n} for n in range(2)] for suite in ("first", "second")}
    monkeypatch.setattr(result_lines, "EXPERIMENTS", {"first", "second", "third"})
    path = result_lines.RESULTS / "experiments.jsonl"
    result_lines.write("second", lines["second"])
    result_lines.append("first", lines["first"][0])
    result_lines.append("second", {"suite": "second", "line": "run", "é": 1})
    assert result_lines.read("first") == lines["first"][:1]
    assert result_lines.read("third") == []
    kept = [text for text in path.read_text(encoding="utf-8").splitlines() if '"second"' in text]
    result_lines.write("first", lines["first"])
    assert result_lines.read("first") == lines["first"]
    assert path.read_text(encoding="utf-8").splitlines()[2:] == kept
    assert len(result_lines.read("experiments")) == 5
    assert [file.name for file in result_lines.RESULTS.iterdir()] == ["experiments.jsonl"]
