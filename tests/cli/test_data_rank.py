"""Test that info and report show the effective rank of a run's data, and mention models that have none."""

import json
from pathlib import Path


def test_info_and_report_tell_the_rank_of_the_data(finished, run):
    found = json.loads(run.done("info", "run", "--json").out)["data_rank"]
    assert found["rows"] == 60
    assert 1 < found["effective_rank"] <= found["dimension"]
    words = f"about {found['effective_rank']:g} of {found['dimension']} directions carry the data"
    assert words in " ".join(run.done("info", "run").out.split())
    run.done("report", "run", "--quiet")
    page = Path("run/report.html")
    assert f"<p>Effective rank of the data: {words}" in page.read_text()
    facts = json.loads(Path("run/config.json").read_text())
    del facts["data_rank"]
    Path("run/config.json").write_text(json.dumps(facts))
    assert "rank of data" not in run.done("info", "run").out
    run.done("report", "run", "--quiet")
    assert "Effective rank of the data" not in page.read_text()
