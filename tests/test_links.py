"""Check the links and the file names in all documents."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md"), *ROOT.glob("bench/speed/*.md")]
)
HISTORY = {"CHANGELOG.md"}
"""Pages that may name files that no longer exist."""

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


@each_page
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" not in target and not target.startswith(("#", "mailto:")):
            assert (page.parent / target.split("#")[0]).exists(), target


@each_page
def test_files_that_pages_name_exist(page):
    if page.name in HISTORY or page.name.startswith("RESULTS"):
        pytest.skip("names files of older versions")
    named = r"`(?:python )?((?:bench|docs|examples|src|tests)/[\w./-]+\.(?:py|md|toml))\b"
    for path in re.findall(named, page.read_text()):
        assert (ROOT / path).exists(), path
