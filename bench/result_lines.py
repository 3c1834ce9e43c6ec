"""Read and write the results below bench/results, in JSON-lines files.

The lines of a suite are in SUITE.jsonl. The suites of single experiments (``EXPERIMENTS``) share experiments.jsonl;
the key ``suite`` tells their lines apart. Functions take the name of a suite in both cases.

Every line has ``line`` (its kind), ``suite``, ``scale`` and ``block`` (the part of a suite that uses one data set).

- ``"line": "run"``: one training run, with ``row`` (the recipe's name in the table), ``seed``, ``recipe`` (the shipped
  recipe), ``changes`` (settings that differ from it), ``settings`` (the ``id`` of all settings in recipes.jsonl),
  ``scores``, ``seconds``, ``environment`` and ``commit``, as far as they are known.
- ``"line": "score"``: one row of a comparison under one probe, over all seeds (``mean``, ``spread``, ``each`` ...).
- ``"line": "block"``: what holds for a block as a unit: command, commit, environment, verdicts.

``recipes.jsonl`` holds each distinct set of settings once.
"""

import hashlib
import json
import shlex
import subprocess
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
RECIPES = "recipes"
SHARED = "experiments"
"""Name of the file of the suites in ``EXPERIMENTS``, without its ending."""
EXPERIMENTS = {
    "backbones",
    "default-recipes",
    "few-label-predictor",
    "graph-settings",
    "imix-gain-by-length",
    "label-free-scores",
    "mixing-extensions",
    "theory-shortcut",
    "untrained-batchnorm",
}
"""Suites that share a file. Each is one small experiment, and most have too few lines for a file of their own."""
PROTOCOLS = {"rows": "fair", "parity": "parity"}
"""Keys of a report that hold rows of scores, and the protocol that these rows follow."""
LEADING = ("line", "suite", "scale", "block", "protocol", "row", "seed", "recipe", "changes", "settings", "scores")
"""Keys that come first in a line, in this order."""

Line = dict[str, Any]
Report = dict[str, Any]


def file_of(suite: str) -> Path:
    """Return the path of the file that holds the lines of a suite.

    Examples
    --------
    >>> file_of("imix-table1").name, file_of("theory-shortcut").name
    ('imix-table1.jsonl', 'experiments.jsonl')
    """
    return RESULTS / f"{SHARED if suite in EXPERIMENTS else suite}.jsonl"


def texts_by_suite(suite: str) -> list[tuple[str, str]]:
    """Read all lines of the file of a suite, each as the name of its own suite and its text."""
    path = file_of(suite)
    if not path.is_file():
        return []
    texts = path.read_text(encoding="utf-8").splitlines()
    return [(json.loads(text)["suite"] if suite in EXPERIMENTS else suite, text) for text in texts]


def read(suite: str) -> list[Line]:
    """Read all lines of a suite; an empty list if the suite has none."""
    return [json.loads(text) for name, text in texts_by_suite(suite) if name == suite]


def write(suite: str, lines: list[Line]) -> None:
    """Replace all lines of a suite. Lines of other suites in the same file are not changed, but sorted by suite."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    texts = [(name, text) for name, text in texts_by_suite(suite) if name != suite]
    texts += [(suite, json.dumps(ordered(line), ensure_ascii=False)) for line in lines]
    # Sorting is stable: the lines of a suite keep their order.
    texts.sort(key=lambda pair: pair[0])
    file_of(suite).write_text("".join(f"{text}\n" for _, text in texts), encoding="utf-8")


def replace_lines(lines: list[Line]) -> None:
    """Write the lines of one block of a suite in place of its former lines."""
    suite, block = lines[0]["suite"], lines[0]["block"]
    write(suite, [*(line for line in read(suite) if line["block"] != block), *lines])


def append(suite: str, line: Line) -> None:
    """Add one line to a suite at once, so that a killed script keeps what it has measured."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with file_of(suite).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def ordered(line: Line) -> Line:
    """Return the line with its leading keys first."""
    return {**{key: line[key] for key in LEADING if key in line}, **line}


def reports(suite: str) -> dict[tuple[str | None, str], Report]:
    """Put the reports of a suite together again, as contramix wrote them, by (scale, block)."""
    found: dict[tuple[str | None, str], Report] = {}
    lines = read(suite)
    for line in lines:
        if line["line"] == "block":
            facts = {key: value for key, value in line.items() if key != "line"}
            found[line.get("scale"), line["block"]] = {**facts, "rows": [], "parity": []}
    keys = {protocol: key for key, protocol in PROTOCOLS.items()}
    for line in lines:
        if line["line"] == "score":
            row = {key: value for key, value in line.items() if key not in LEADING}
            report = found[line.get("scale"), line["block"]]
            report[keys[line["protocol"]]].append({"name": line["row"], **row})
    return found


def replace_block(suite: str, scale: str | None, block: str, report: Report, runs: list[Line]) -> None:
    """Replace the lines of one block by those of a new report and its runs."""
    ids = {"suite": suite, "block": block} if scale is None else {"suite": suite, "scale": scale, "block": block}
    facts = {key: value for key, value in report.items() if key not in PROTOCOLS}
    lines = [{**facts, "line": "block", **ids}]
    for key, protocol in PROTOCOLS.items():
        for row in report.get(key, []):
            scores = {name: value for name, value in row.items() if name != "name"}
            lines.append({**scores, "line": "score", **ids, "protocol": protocol, "row": row["name"]})
    lines += [{**run, "line": "run", **ids} for run in runs]
    others = [line for line in read(suite) if (line.get("scale"), line["block"]) != (scale, block)]
    # Sorting is stable: the order of rows within a block stays, on which the order of the tables depends.
    write(suite, sorted([*others, *lines], key=lambda line: (line.get("scale") or "", line["block"])))


def settings_id(recipe: Path) -> str:
    """Return the id of the settings in a recipe.toml, after adding them to recipes.jsonl if they are new."""
    settings = tomllib.loads(recipe.read_text(encoding="utf-8"))
    text = json.dumps(settings, sort_keys=True)
    found = hashlib.sha256(text.encode()).hexdigest()[:12]
    if found not in {line["id"] for line in read(RECIPES)}:
        name, domain = settings.pop("name"), settings.pop("domain")
        append(RECIPES, {"id": found, "name": name, "domain": domain, "settings": settings})
    return found


def changes_of(command: str) -> dict[str, Any]:
    """Return the settings that a command of contramix changes by ``--set`` and ``--epochs``.

    Examples
    --------
    >>> changes_of("contramix compare rows.csv --epochs 5 --set encoder.width=256 --seeds 3")
    {'train.epochs': 5, 'encoder.width': 256}
    """
    words, changes = shlex.split(command), {}
    for option, value in pairwise(words):
        if option == "--epochs":
            changes["train.epochs"] = int(value)
        elif option == "--set":
            name, _, given = value.partition("=")
            changes[name] = tomllib.loads(f"value = {given}")["value"] if _is_toml(given) else given
    return changes


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return False
    return True


def collect_comparison(suite: str, block: str, folder: Path, **facts: object) -> None:
    """Collect the report and the runs of a folder that ``contramix compare`` wrote.

    Parameters
    ----------
    suite
        Name of the suite to which the lines are added.
    block
        Name of the data set within the suite.
    folder
        The folder that was given as ``--out``: report.json, and ROW/seedN/ with recipe.toml and config.json.
    facts
        More facts about the block, such as the commit.
    """
    report = {**json.loads((folder / "report.json").read_text()), **facts}
    replace_block(suite, None, block, report, comparison_runs(folder, report.get("commit")))


def comparison_runs(folder: Path, commit: str | None) -> list[Line]:
    """Return a line for each run below the folder of a comparison."""
    runs = []
    for path in sorted(folder.glob("*/seed*/config.json")):
        config = json.loads(path.read_text())
        facts = {key: config.pop(key) for key in ("seed", "recipe", "seconds", "environment")}
        changes = changes_of(config["command"])
        settings = settings_id(path.with_name("recipe.toml"))
        row = path.parts[-3]
        runs.append({"row": row, **facts, "changes": changes, "settings": settings, "commit": commit, "config": config})
    return runs


def current_commit() -> str:
    """Return the hash of the commit that is checked out."""
    command = ["git", "rev-parse", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent).stdout.strip()
