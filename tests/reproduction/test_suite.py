"""Test that shipped suites are consistent, and that errors in a suite's file are named."""

import pytest

from contramix.domains import DOMAINS
from contramix.errors import InputError
from contramix.evaluation.baselines import BASELINES
from contramix.evaluation.probes import PROBES
from contramix.reproduction.catalog import shipped
from contramix.reproduction.sources import SOURCES
from contramix.reproduction.suite import Suite

SUITES = {name: Suite.load(path) for name, path in shipped().items()}
BLOCKS = [(name, block) for name, suite in SUITES.items() for block in suite.data]
IDS = [f"{name}-{block.label}" for name, block in BLOCKS]


@pytest.mark.parametrize(("suite", "block"), BLOCKS, ids=IDS)
def test_a_block_is_whole(suite, block):
    beside = block.name is not None  # the same data at another width, beside the block that is as published
    assert beside or {"smoke", "paper"} <= set(block.scales)
    assert set(block.baselines) <= set(BASELINES)
    assert {*block.probes, *([block.parity] if block.parity else [])} <= set(PROBES)
    for scale, budget in block.scales.items():
        assert budget.note
        recipes = {recipe.name: recipe for recipe in block.recipes(scale)}
        assert recipes.keys() == {r.name for r in block.rows if r.recipe and r.name not in budget.exclude}
        assert {recipe.domain for recipe in recipes.values()} == {SOURCES[block.data].domain} <= set(DOMAINS)
    for row in block.rows:
        assert (row.recipe is None) <= (row.name in BASELINES)
        ours = suite == "real-tables" or row.name == "moco-revised" or block.question is not None
        assert (row.published is None) == ours


@pytest.mark.parametrize(("suite", "block"), BLOCKS, ids=IDS)
def test_rows_of_smaller_scales_have_equal_epochs(suite, block):
    for scale in set(block.scales) - {"paper"} if block.question is None else ():
        assert len({recipe.train.epochs for recipe in block.recipes(scale)}) == 1


@pytest.mark.parametrize(("suite", "block"), BLOCKS, ids=IDS)
def test_a_claim_is_what_was_published(suite, block):
    numbers = {row.name: row.published.percent for row in block.rows if row.published}
    for claim in block.claims:
        if claim.above in numbers and claim.below in numbers:
            assert numbers[claim.above] > numbers[claim.below], claim.text
    assert block.claims or block.question


def test_with_and_without_imix_differ_in_imix():
    for suite, data in (("imix-table1", "covtype"), ("imix-table1", "speech"), ("imix-table3", "covtype")):
        (block,) = (block for block in SUITES[suite].data if block.label == data)
        recipes = {recipe.name: recipe for recipe in block.recipes("paper")}
        for name in [name for name in recipes if name.startswith("imix-")]:
            with_, without = recipes[name], recipes[name.removeprefix("imix-")]
            assert with_.imix is not None
            assert without.imix is None
            others = {d.partition(":")[0].partition(".")[0] for d in with_.differences(without)}
            assert others <= {"name", "imix", "noise", "method"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("note = ", "noet = 1\nnote = "), "unknown setting 'data.0.scales.cpu.noet'; did you mean 'note'"),
        (('data = "a"', 'data = "covtyp"'), "unknown data 'covtyp'; did you mean 'covtype'"),
        (('data = "a"', 'data = "a"\nparity = "sgdd"'), "unknown probe 'sgdd'; did you mean 'sgd'"),
        (('data = "a"', 'data = "a"\nbaselines = ["rwa"]'), "unknown baseline 'rwa'; did you mean 'raw'"),
        (('data = "a"', 'data = "a"\nmetric = "acuracy"'), "unknown metric 'acuracy'; did you mean 'accuracy'"),
        (('name = "b"', 'name = "b"\npublished = 67.7'), "should be settings in braces"),
        (('above = "b"', 'above = "c"'), "names a row 'c'"),
        (('above = "b"', 'above = "d"'), "'d' is above itself"),
        (('name = "d"', 'name = "b"'), "one name twice"),
        (('recipe = "dacl"', ""), "'d' of 'covtype' has no recipe and is not one of its baselines"),
        (('note = "small"', 'note = "small"\nexclude = ["e"]'), "'covtype', cpu: 'exclude' names a row 'e'"),
        (("[[data]]", '[[data]]\ndata = "a"\nrows = []\nscales = {}\n[[data]]'), "two blocks are called 'covtype'"),
        (("title", "= ="), "not a TOML suite"),
    ],
)
def test_what_is_wrong_with_a_suite_is_named(tmp_path, change, message):
    text = (
        'title = "t"\nsource = "s"\n[[data]]\ndata = "a"\nclaims = [{ text = "x", above = "b", below = "d" }]\n'
        '[data.scales.cpu]\nnote = "small"\n[[data.rows]]\nname = "b"\nrecipe = "npair"\n'
        '[[data.rows]]\nname = "d"\nrecipe = "dacl"\n'
    )
    path = tmp_path / "own.toml"
    path.write_text(text.replace('"a"', '"covtype"'))
    assert Suite.load(path).name == "own"
    path.write_text(text.replace(*change).replace('"a"', '"covtype"'))
    with pytest.raises(InputError, match=message):
        Suite.load(path)


def test_a_row_that_cannot_be_made_is_named():
    block = SUITES["imix-table1"].data[0]
    wrong = block.rows[0].model_copy(update={"recipe": "imix-covtyp-npair"})
    changed = block.model_copy(update={"rows": (wrong, *block.rows[1:])})
    with pytest.raises(InputError, match=r"covtype, row 'npair': .*imix-covtype-npair"):
        changed.recipes("cpu")


def test_names_of_version_0_1_are_still_read(tmp_path):
    text = (
        'title = "t"\nsource = "s"\n[[data]]\ndata = "covtype"\nquestion = "why?"\n'
        '[data.scales.cpu]\nnote = "small"\nexclude = ["b"]\n[[data.rows]]\nname = "b"\nrecipe = "npair"\n'
        'published = { percent = 67.7, provenance = "printed" }\n'
    )
    path = tmp_path / "own.toml"
    path.write_text(text)
    new = Suite.load(path)
    for name, old in {"question": "asks", "note": "said", "exclude": "without", "provenance": "sure"}.items():
        text = text.replace(f"{name} = ", f"{old} = ")
    path.write_text(text)
    assert Suite.load(path) == new
    (block,) = new.data
    assert (block.question, block.scales["cpu"].note, block.scales["cpu"].exclude) == ("why?", "small", ("b",))
