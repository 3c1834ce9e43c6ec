"""Compare the generated pages and bench/README.md with the results and scripts that they describe."""

import re


def test_no_page_is_stale():
    from bench import write_results

    for path, text in write_results.pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is stale: python -m bench.write_results"


def test_the_readme_names_every_script(root):
    named = set(
        re.findall(r"^\| `(\w+\.py)`", (root / "bench" / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert named == {path.name for path in (root / "bench").rglob("*.py") if path.name != "__init__.py"}


def test_the_readme_reads_the_results_with_pandas(root, monkeypatch, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", (root / "bench" / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(root)
    exec(code, {})
    shown = capsys.readouterr().out
    assert "imix-npair" in shown
    assert "linear" in shown


def test_every_line_names_its_suite_and_its_settings_are_kept():
    from bench import result_lines

    recipes = {line["id"] for line in result_lines.read(result_lines.RECIPES)}
    for path in result_lines.RESULTS.glob("*.jsonl"):
        suites = result_lines.EXPERIMENTS if path.stem == result_lines.SHARED else {path.stem}
        for line in result_lines.read(path.stem) if path.stem != result_lines.RECIPES else ():
            assert line["suite"] in suites
            assert line["line"] in ("run", "score", "block")
            assert line.get("settings") is None or line["settings"] in recipes
