"""Test reading the facts of a run from its folder."""

import pytest

from contramix.errors import InputError
from contramix.report.run_facts import RunFacts


def test_facts_are_read_from_a_folder_with_a_log_cut_short(pages, tmp_path):
    facts = RunFacts.read(pages.run_folder(tmp_path / "run"))
    assert facts.name == "imix, seed 0"
    assert len(facts.log) == 40
    assert facts.columns["numeric"] == ["age"]
    assert {name for names in facts.columns.values() for name in names} | {c.name for c in facts.left_out} == {
        "age",
        "label",
        pages.script,
    }
    assert facts.alarms[0]["name"] == "collapse"


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("config.json", None, "no config.json in it"),
        ("config.json", "[]", "no JSON object"),
        ("config.json", "{", "not JSON"),
        ("spec.json", "{}", "not a specification"),
        ("recipe.toml", None, "not a complete model"),
    ],
)
def test_a_folder_that_is_no_run_is_refused(pages, tmp_path, file, content, words):
    folder = pages.run_folder(tmp_path / "run")
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_text(content)
    with pytest.raises(InputError, match=words):
        RunFacts.read(folder)
