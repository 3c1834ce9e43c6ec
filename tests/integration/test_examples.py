"""Run the examples and the Python code of the README."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_custom_operator_runs():
    run = subprocess.run([sys.executable, ROOT / "examples" / "custom_operator.py"], capture_output=True, text=True)
    assert run.stdout.strip() == "(256, 512)", run.stderr


@pytest.mark.parametrize(
    ("name", "output"), [("graphs", "512 features per graph; accuracy"), ("series", "(120, 256) (1, 256)")]
)
def test_examples_of_other_data_run(name, output):
    run = subprocess.run([sys.executable, ROOT / "examples" / f"{name}.py"], capture_output=True, text=True)
    assert output in run.stdout, run.stderr


def test_table_example_runs_on_one_epoch():
    code = (ROOT / "examples" / "table.py").read_text().replace("epochs=20", "epochs=1")
    code = code.replace("max_iter=300", "max_iter=10")
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    assert "linear probe: 0." in run.stdout, run.stderr
    assert "raw features: 0." in run.stdout


def test_readme_has_no_gaps():
    assert "DEMO_" not in (ROOT / "README.md").read_text()


def test_readme_python_runs(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        # The same lines on fewer passes.
        code = re.sub(r"epochs=\d+", "epochs=1", block)
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
        assert run.returncode == 0, run.stderr


def test_readme_names_commands_and_options_that_exist():
    from typer.main import get_command

    from contramix.cli.app import app

    commands = get_command(app).commands
    blocks = re.findall(r"```shell\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    lines = re.findall(r"^contramix (\w+)(.*)$", "\n".join(blocks), re.MULTILINE)
    assert lines
    for name, rest in lines:
        known = {opt for p in commands[name].params for opt in (*p.opts, *p.secondary_opts)}
        assert set(re.findall(r"(?<!\S)--[a-z-]+", rest)) <= known, name


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda p: p.name)
def test_settings_that_pages_name_exist(page):
    from contramix import Recipe
    from contramix.domains import DOMAINS

    sections = "|".join(("train", *DOMAINS))
    for name in re.findall(rf"`((?:{sections})\.(?!txt\b)\w+)", page.read_text()):
        section, setting = name.split(".")
        assert setting in type(getattr(Recipe(), section)).model_fields, name
