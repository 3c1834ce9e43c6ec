"""Write the report as one HTML file: without network access, with escaped user texts, reproducible byte for byte."""

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
    """Collect the content of the HTML report. Sections of the report without data are omitted.

    Parameters
    ----------
    title
        Name of the run or of the data.
    command
        Command line that makes the report.
    evaluation
        Result of a comparison: the content of report.json, as :func:`contramix.evaluation.summary.as_json` returns it.
    runs
        Runs whose training curves and settings are shown.
    map
        Map of the representations.
    environment
        Versions of packages and the machine, by name; if empty, those recorded in the first run.
    """

    title: str
    command: str = ""
    evaluation: dict[str, Any] | None = None
    runs: Sequence[RunFacts] = ()
    map: Map | None = None
    environment: dict[str, Any] = field(default_factory=dict)


def write(path: Path, data: ReportData) -> None:
    """Write the report as an HTML file. If writing fails, no partial file is left.

    Raises
    ------
    InputError
        If the folder cannot be written to, the evaluation is invalid, or ``contramix[report]`` is not installed.
    RunError
        If the disk is full.
    """
    atomic_files.write(path, render(data).encode("utf-8", "replace"))


def render(data: ReportData) -> str:
    """Return the report as an HTML document.

    Its content security policy allows only the scripts inside the document, identified by their hashes, and no network
    access.

    Raises
    ------
    InputError
        If the evaluation is invalid, or ``contramix[report]`` is not installed.
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
    """Check that the packages bokeh and jinja2, which reports need, are installed.

    Raises
    ------
    InputError
        If bokeh or jinja2 is missing; the message says how to install them.
    """
    if find_spec("bokeh") is None or find_spec("jinja2") is None:
        raise InputError("the report needs an extra: pip install 'contramix[report]'")


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
