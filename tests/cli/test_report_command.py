"""Test `contramix report` on a finished run."""

import json
from pathlib import Path


def test_report_of_a_run(run, finished):
    result = run.done("report", "run", "--json")
    told = json.loads(result.out)
    assert told == {"report": "run/report.html", "bytes": Path("run/report.html").stat().st_size}
    html = Path("run/report.html").read_text(encoding="utf-8")
    assert "No verdict yet" in html
    assert "Map of the representations" not in html


def test_report_with_a_map_coloured_by_the_runs_target(run, finished):
    run.done("report", "run", "people.csv", "--keep", "age", "--keep", "job", "--out", "here.html", "--quiet")
    html = Path("here.html").read_text(encoding="utf-8")
    assert "60 records" in html
    assert '"columns":["y","age","job"]' in html
    assert not Path("run/report.html").exists()


def test_report_with_a_map_by_tsne(run, finished):
    run.done("report", "run", "people.csv", "--map", "tsne")
    assert "t-SNE, perplexity" in Path("run/report.html").read_text(encoding="utf-8")


def test_wrong_calls(run, finished):
    run.refused("report", "run", "--map", "umap").says("--map umap", "pca or tsne")
    run.refused("report", "run", "--keep", "age").says("give DATA")
    run.refused("report", "run", "people.csv", "--keep", "agee").says("'agee'", "did you mean 'age'")
    run.refused("report", "run", "people.csv", "--out", "people.csv").says("ends in .html")
    run.refused("report", "run", "--out", "nowhere/report.html").says("nowhere/report.html")
    run.refused("report", "nowhere").says("nowhere", "no such folder")
    Path("run/report.json").write_text("{}")
    run.refused("report", "run").says("report.json", "evaluate again")


def test_an_unfinished_run_says_what_to_do(run, finished):
    Path("run/config.json").unlink()
    run.refused("report", "run").says("run", "pretrain command")
