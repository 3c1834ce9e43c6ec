"""The report as one HTML file: no network, all texts of the user escaped, the same bytes for the same input."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from contramix.errors import InputError
from contramix.report.map import Map
from contramix.report.run_facts import RunFacts
from contramix.runtime import atomic_files


@dataclass(frozen=True)
class ReportData:
    """What a report shows; a part without data is left out.

    Parameters
    ----------
    title
        What the report is about: the run, or the data.
    command
        The call that made it.
    evaluation
        A comparison, as :func:`contramix.evaluation.summary.as_json` gives it.
    runs
        The runs whose curves and settings are shown.
    map
        Records on a plane.
    environment
        Versions and machine; those of the first run where it is empty.
    """

    title: str
    command: str = ""
    evaluation: dict[str, Any] | None = None
    runs: Sequence[RunFacts] = ()
    map: Map | None = None
    environment: dict[str, Any] = field(default_factory=dict)


def write(path: Path, data: ReportData) -> None:
    """Write the report, whole or not at all.

    Raises
    ------
    InputError
        If the folder cannot be written, or the extra is not installed.
    RunError
        If there is no space.
    """
    atomic_files.write(path, render(data).encode("utf-8", "replace"))


def render(data: ReportData) -> str:
    """The page.

    Its policy lets the scripts run that are in it, known by their hashes, and lets it load nothing.

    Raises
    ------
    InputError
        If the evaluation is not one, or the extra is not installed.
    """
    check_installed()
    from bokeh.resources import Resources
    from jinja2 import Environment, StrictUndefined

    from contramix.report.sections import sections

    place = files("contramix.report")
    texts = {name: place.joinpath(name).read_text(encoding="utf-8") for name in ("page.html", "page.css", "page.js")}
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "allow_nan": False, "separators": (",", ":")}
    scripts = [Resources("inline", components=["bokeh"], minified=True).js_raw[0].strip(), texts["page.js"].strip()]
    return environment.from_string(texts["page.html"]).render(
        **sections(data), style=texts["page.css"], scripts=scripts, hashes=[_hash(script) for script in scripts]
    )


def check_installed() -> None:
    """Refuse early where the extra is not installed.

    Raises
    ------
    InputError
        The message says how to install it.
    """
    if find_spec("bokeh") is None or find_spec("jinja2") is None:
        raise InputError("the report needs an extra: pip install 'contramix[report]'")


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
