"""Provide a report page with all of its parts, and names that try to run as scripts."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from contramix.domains.spec import LeftOut
from contramix.report.map import make_map
from contramix.report.page import ReportData
from contramix.report.run_facts import RunFacts

WORDS = pa.large_string()
SCRIPT = "<script>window.injected = 1</script>"
IMAGE = "</script><img src=x onerror='window.injected = 2'>"
TEX = r"$$\frac{a}{b}$$"
HOSTILE = (SCRIPT, IMAGE, TEX)


def _row(name: str, kind: str, probe: str, labels: int | None, mean: float, half: float | None) -> dict:
    return {
        "name": name,
        "kind": kind,
        "probe": probe,
        "labels_per_class": labels,
        "mean": mean,
        "spread": half,
        "interval": None if half is None else [mean - half, mean + half],
        "n": 3,
        "each": [mean],
        "metrics": {"accuracy": mean, "auroc": 0.8},
        "chosen": "on validation rows",
        "seconds": 71.5,
    }


def _evaluation() -> dict:
    comparison = {"outcome": "helped", "against": "raw", "difference": 0.045, "interval": (0.036, 0.053)}
    comparison |= {"labels_per_class": None, "model": 0.638, "baseline": 0.593}
    few = comparison | {"outcome": "no difference", "labels_per_class": 20, "interval": (-0.01, 0.03)}
    verdict = {
        "recipe": "imix",
        **comparison,
        "confidence": 0.95,
        "text": "It helped.",
        "comparisons": [comparison, few],
    }
    return {
        "data": "people.csv",
        "target": "label",
        "metric": "accuracy",
        "rows": [
            _row("raw", "baseline", "linear", None, 0.593, 0.004),
            _row("imix", "pretrained", "linear", None, 0.638, 0.003),
            _row(IMAGE, "pretrained", "linear", None, 0.61, 0.003),
            _row("raw", "baseline", "knn", None, 0.55, None),
            _row("imix", "pretrained", "knn", None, 0.6, None),
            _row("trees", "baseline", "trees", None, 0.75, 0.002),
            _row("raw", "baseline", "linear", 20, 0.437, 0.03),
            _row("imix", "pretrained", "linear", 20, 0.448, 0.04),
            _row(TEX, "pretrained", "linear", 20, 0.4, 0.04),
        ],
        "verdict": verdict,
        "verdicts": [verdict],
        "best": [
            {
                "labels_per_class": None,
                "name": "trees",
                "probe": "trees",
                "mean": 0.75,
                "runner_up": "imix",
                "runner_up_probe": "linear",
                "difference": 0.112,
                "interval": [0.106, 0.118],
                "clear": True,
            }
        ],
        "against_best": [
            {
                "recipe": "imix",
                "labels_per_class": None,
                "baseline": "trees",
                "baseline_probe": "trees",
                "difference": -0.112,
                "interval": [-0.118, -0.106],
                "outcome": "hurt",
                "model": 0.638,
                "baseline_mean": 0.75,
            }
        ],
        "advice": [f"Look at {SCRIPT}."],
        "notes": ["rows are held out"],
        "command": f"contramix evaluate run '{IMAGE}'",
    }


def _run(name: str, seed: int) -> RunFacts:
    log = [
        {"step": n, "epoch": n // 10, "loss": 3 - n / 50 + seed, "rate": 0.1, "seconds": n / 10, "chance": 4.0}
        for n in range(1, 41)
    ]
    for line in log[9::10]:
        line["health"] = {"effective_rank": line["step"] / 2, "view_cosine_input": 0.7, "view_cosine_output": 0.9}
        line["health"]["knn"] = 0.5 + line["step"] / 100
    config = {"recipe": name, "seed": seed, "epochs": 4, "steps": 40, "seconds": 4.0, "representation": 8}
    config |= {"command": "contramix pretrain people.csv --out run", "contramix": "0.1.0"}
    config["environment"] = {"torch": "2.13.0", "machine": "Linux x86_64, 2 cores"}
    config["alarms"] = [{"name": "collapse", "step": 30, "text": f"{SCRIPT} looks flat"}]
    left_out = (LeftOut(name=IMAGE, reason=f"constant ({SCRIPT})"),)
    toml = f'name = "{SCRIPT}"\n'
    return RunFacts(f"{name}, seed {seed}", config, log, toml, {"numeric": ["age", SCRIPT]}, left_out, 400, "label")


def _table(rows: int) -> tuple[np.ndarray, pa.Table]:
    draw = np.random.default_rng(0)
    label = draw.integers(0, 3, rows)
    z = (draw.normal(size=(rows, 8)) + 4 * np.eye(8)[label]).astype(np.float32)
    names = np.array(["a", "b", IMAGE])
    columns = {
        "label": pa.array(names[label].tolist(), WORDS),
        SCRIPT: pa.array([f"{SCRIPT}{n % 30}" if n % 9 else None for n in range(rows)], WORDS),
        "age": [None if n % 50 == 7 else float(v) for n, v in enumerate(draw.normal(40, 9, rows).round(1))],
    }
    return z, pa.table(columns)


class Pages:
    """Ways to make what a report shows."""

    hostile = HOSTILE
    script = SCRIPT
    image = IMAGE
    table = staticmethod(_table)
    run = staticmethod(_run)
    evaluation = staticmethod(_evaluation)

    @staticmethod
    def full(rows: int = 400) -> ReportData:
        """A page with every section."""
        z, table = _table(rows)
        the_map = make_map(z, table, "label", [SCRIPT, "age"])
        runs = [_run("imix", 0), _run(SCRIPT, 1)]
        return ReportData(f"{SCRIPT} people", "contramix report run", _evaluation(), runs, the_map)

    @staticmethod
    def run_folder(place: Path, evaluation: dict | None = None) -> Path:
        """A run's folder without the model, from which nothing is loaded."""
        from contramix.domains.table.settings import TableSettings
        from contramix.domains.table.spec import TableSpec

        facts = _run("imix", 0)
        spec = TableSpec.learn(_table(60)[1], TableSettings())[0]
        place.mkdir()
        (place / "config.json").write_text(json.dumps(facts.config))
        (place / "recipe.toml").write_text(facts.recipe_toml)
        (place / "spec.json").write_text(spec.model_dump_json())
        (place / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in facts.log) + '{"step": 41, "lo')
        if evaluation is not None:
            (place / "report.json").write_text(json.dumps(evaluation))
        return place

    @staticmethod
    def without(data: ReportData, **parts: object) -> ReportData:
        """The page with some parts changed."""
        return replace(data, **parts)


@pytest.fixture(scope="session")
def pages() -> type[Pages]:
    return Pages
