"""Check that code and documents use the field's words, American spelling, and docstrings that begin with a verb."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "contramix"

NOT_VERBS = """
a about all also among an and any as at be behind below beside besides between both but by each either every few for
four from had has have how if in into is it its itself many more most neither no none nor not nothing of off on one only
or other others over own so some something than that the their them then there these they this those three to two under
until what where whether which while who whom whose why with within without
accuracy alarm audio axis background brightness column cosine data dataset domain embedding example factor figure file
folder frequency function gaussian graph head height image input kind layer loss matrix mean model module network
number numeric object option probability problem record row setting shape single size speech square step table tensor
text time value vector weight width word
"""
"""First words, in lower case, that are not the base form of a verb."""

OLD_WORDS = (
    "(?i)farewell",
    "gaussian_twin",
    "not_few",
    "log-mel picture",
    "looked_at",
    "rank_told",
    "regularisers",
    "scores_of",
    "sniff",
    "stand[-_]in",
    "[«»]",
    r"\bbeside\b",
    r"\bspeaks\b",
    r"\btold\b",
    r"\b_Board\b",
    r"\bBook\b",
    r"\bCells\b",
    r"\bcontest\b",
    r"\bContestants?\b",
    r"\bfrom_first\b",
    r"\bharmless\b",
    r"\bItems?\b",
    r"\bkin\b",
    r"\bLikeness\b",
    r"\bMEND\b",
    r"\bmutual\b(?! information)",
    r"\bOften\b",
    r"\bPATIENCE\b",
    r"\bPortions?\b",
    r"\brows_at_once\b",
    r"\bside_by_side\b",
    r"\bsniffing\b",
    r"\bSPARE\b",
    r"\bTitled\b",
    r"\bTried\b",
    r"\btwins?\b",
    r"\bWatched\b",
    r"\bWITNESSES\b",
)
"""Words of former versions, as regular expressions, which have a standard name in the field."""


BRITISH = (
    "analyse",
    "artefact",
    "behaviour",
    "catalogue",
    "centre",
    "colour",
    "favour",
    "initialis",
    "labell",
    "maximis(e|a)",
    "minimis(e|a)",
    "modell",
    "neighbour",
    "normalis",
    "optimis(e|a|ing)",
    "organis",
    "quantis(e|a)",
    "recognis",
    "regularis",
    "serialis",
    "standardis",
    "summaris",
    "tokenis",
    "vectoris",
    "visualis",
)
"""Stems in British spelling, as regular expressions."""

BRITISH_NAMES = {
    r"\baria-labelledby\b": "an attribute of HTML",
    r"\bcentre\b": "a setting of graph encoders, and a key of saved recipes",
    r"\"labelled\"": "a key of the reports of evaluate and compare",
    r"\blabelled_rows\b": "a key of the reports of fine-tuned models",
    r"\bnormalise\b": "a setting of time series, and a key of saved specifications",
    r"\bstandardise\b": "a stage of encoders, and a part of the keys of saved weights",
}
"""Names in British spelling that must not change, as regular expressions, and the reason."""


def first_lines() -> Iterator[tuple[str, str]]:
    """Yield the place and the first line of the docstring of each module, class and function of the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                docstring = ast.get_docstring(node)
                if docstring:
                    yield f"{relative}:{getattr(node, 'lineno', 1)}", docstring.splitlines()[0]


def begins_with_verb(line: str) -> bool:
    """Return whether a line is a sentence whose first word can be the base form of a verb."""
    word = line.split()[0].removesuffix(",")
    is_word = re.fullmatch(r"[A-Z][a-z]+(-[a-z]+)*", word) is not None
    plural = word.endswith("s") and not word.endswith("ss")
    return is_word and not plural and word.lower() not in NOT_VERBS.split() and line.endswith((".", ":"))


def prose() -> list[Path]:
    """Return the files that are searched for words."""
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    code = [path for folder in ("src", "examples", "bench") for path in sorted((ROOT / folder).rglob("*"))]
    return documents + [path for path in code if path.suffix in (".py", ".toml", ".html", ".js", ".css")]


def lines_with(expression: str, texts: dict[Path, str]) -> list[str]:
    """Return "file:line: text" of each line that matches."""
    pattern = re.compile(expression)
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path, text in texts.items()
        if pattern.search(text)
        for number, line in enumerate(text.split("\n"), 1)
        if pattern.search(line)
    ]


@pytest.fixture(scope="module")
def texts() -> dict[Path, str]:
    return {path: path.read_text(encoding="utf-8") for path in prose()}


def test_docstrings_begin_with_a_verb():
    wrong = [f"{place}: {line}" for place, line in first_lines() if not begins_with_verb(line)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("word", OLD_WORDS)
def test_old_words_are_gone(texts, word):
    found = lines_with(word, texts)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("stem", BRITISH)
def test_spelling_is_american(texts, stem):
    names = re.compile("|".join(BRITISH_NAMES))
    checked = {path: names.sub("", text) for path, text in texts.items()}
    found = lines_with(f"(?i){stem}", checked)
    assert not found, "\n".join(found)
