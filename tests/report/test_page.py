"""Test the contents of the report page with an HTML parser, and the command that writes it."""

import base64
import hashlib
import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from contramix.errors import InputError
from contramix.report import page
from contramix.report.page import ReportData, render, write


class Page(HTMLParser):
    """Tags, the texts outside of scripts, and the scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags, self.attributes, self.texts, self.scripts = [], [], [], []
        self.inside = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *a) for a in attrs]
        if tag in ("script", "style"):
            self.inside = tag
            self.scripts += [""] * (tag == "script")

    def handle_endtag(self, tag):
        self.inside = "" if tag == self.inside else self.inside

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts[-1] += data
        elif not self.inside:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))


@pytest.fixture(scope="module")
def html(pages):
    return render(pages.full())


@pytest.fixture(scope="module")
def parsed(html):
    return Page(html)


def test_texts_of_the_user_are_texts(parsed, pages):
    assert "img" not in parsed.tags
    assert parsed.tags.count("script") == 3
    assert not [a for a in parsed.attributes if a[1].startswith("on")]
    for text in (pages.script, pages.image):
        assert text in parsed.text


def test_scripts_are_the_data_the_library_and_ours(parsed):
    data, library, ours = parsed.scripts
    assert "<" not in data
    payload = json.loads(data)
    assert payload["map"]["columns"][0] == "label"
    assert len(library) > 1_000_000
    policy = next(a[2] for a in parsed.attributes if a[:2] == ("meta", "content") and "default-src" in a[2])
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    script = re.search(r"script-src ([^;]*);", policy).group(1).split()
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (library, ours)]
    assert script == [f"'sha256-{h}'" for h in hashes]


def test_nothing_is_fetched(parsed):
    assert not [a for a in parsed.attributes if a[1] in ("src", "srcset", "data", "action", "poster")]
    assert all(a[2].startswith("#") for a in parsed.attributes if a[1] == "href")
    assert "link" not in parsed.tags


def test_every_section_says_what_it_knows(parsed):
    for words in (
        "A model without pre-training is better",
        "What should I use?",
        "-11.2 points (-11.8 to -10.6)",
        "Is it the training?",
        "It helped.",
        "+4.5 points",
        "+3.6 to +5.3",
        "63.8 %",
        "58.9 % to 59.7 %",
        "20 labels per class",
        "area under the ROC curve",
        "1 min 11 s",
        "collapse",
        "looks flat",
        "Effective rank",
        "400 records",
        "numeric",
        "constant (",
        "Linux x86_64, 2 cores",
        "contramix pretrain people.csv --out run",
        "contramix report run",
    ):
        assert words in parsed.text, words


def test_the_headline_follows_the_comparison_with_the_best_baseline(pages):
    """Trees win, so the page is not green, although the recipe beats raw features."""
    evaluation = pages.evaluation()
    assert 'class="verdict hurt"' in render(replace(pages.full(), evaluation=evaluation))
    ahead = evaluation["against_best"][0] | {"outcome": "helped"}
    mixed = [ahead, evaluation["against_best"][0] | {"labels_per_class": 20}]
    for against, cls in (([ahead], "helped"), (mixed, "no-difference"), ([], "helped")):
        page = render(replace(pages.full(), evaluation=evaluation | {"against_best": against}))
        assert f'class="verdict {cls}"' in page


def test_the_same_input_gives_the_same_bytes(pages, html):
    assert render(pages.full()) == html


def test_parts_without_data_are_left_out(pages):
    full = pages.full()
    bare = Page(render(ReportData("a run", runs=[replace(full.runs[0], log=[])])))
    ids = {a[2] for a in bare.attributes if a[1] == "id"}
    assert "No verdict yet" in bare.text
    assert {"columns", "made"} <= ids
    assert not {"verdict", "comparison", "map", "training"} & ids
    assert "A model without pre-training is better" in Page(render(replace(full, runs=[], map=None))).text


def test_ids_are_unique_and_labels_point_somewhere(parsed):
    ids = [a[2] for a in parsed.attributes if a[1] == "id"]
    assert len(ids) == len(set(ids))
    for tag, name, value in parsed.attributes:
        if name in ("aria-labelledby", "for") or (name == "href" and tag == "a"):
            assert value.lstrip("#") in ids, (tag, value)


def test_a_large_page_with_much_text_stays_small(pages):
    import pyarrow as pa

    from contramix.report.map import make_map

    z, table = pages.table(10_000)
    long = pa.array([f"{n} " + "a long text " * 50 for n in range(10_000)], pa.large_string())
    kept = {"note": long, "comment": long, "age": table.column("age")}
    the_map = make_map(z, pa.table({"label": table.column("label"), **kept}), "label", list(kept))
    assert len(the_map.rows) == 10_000
    assert len(render(ReportData("big", map=the_map)).encode()) < 4e6


def test_without_the_extra_it_says_how_to_install_it(pages, monkeypatch, tmp_path):
    monkeypatch.setattr(page, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'contramix\[report\]'"):
        write(tmp_path / "report.html", ReportData("x"))
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_no_unicode_is_written(tmp_path):
    write(tmp_path / "report.html", ReportData("caf\udce9"))
    assert "caf?" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_command_module_imports_nothing_heavy():
    import subprocess

    code = "import sys, contramix.cli.report; sys.exit(any(m in sys.modules for m in ('torch', 'bokeh', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
