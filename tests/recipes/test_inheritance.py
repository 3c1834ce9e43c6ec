"""Test recipes that extend other recipes, and the defaults that the recipes of a domain share."""

import tomllib

import pytest

from contramix.errors import InputError
from contramix.noise.gaussian import Gaussian
from contramix.recipe import Recipe
from contramix.recipes import DEFAULTS, FOLDER, domains, shipped
from contramix.recipes.inheritance import read_settings

FILES = [path for domain in domains() for path in shipped(domain).values()]


def write(path, text):
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_shipped_recipe_states_only_what_differs_from_the_defaults(path):
    own = tomllib.loads(path.read_text())
    if "extends" not in own:
        return
    assert own["extends"] == DEFAULTS
    shared = tomllib.loads((path.parent / f"{DEFAULTS}.toml").read_text())
    for section in ("encoder", "train", path.parent.name):
        for name, value in own.get(section, {}).items():
            assert shared.get(section, {}).get(name) != value, f"{section}.{name}"


@pytest.mark.parametrize("domain", domains())
def test_most_recipes_of_a_domain_share_its_defaults(domain):
    extending = [name for name, path in shipped(domain).items() if "extends" in tomllib.loads(path.read_text())]
    assert len(extending) >= 13
    assert Recipe.load(FOLDER / domain / f"{DEFAULTS}.toml").encoder == Recipe.load("simclr", domain=domain).encoder


def test_the_defaults_are_no_recipe():
    assert all(DEFAULTS not in shipped(domain) for domain in domains())
    with pytest.raises(InputError, match="unknown recipe '_defaults'"):
        Recipe.load(DEFAULTS)
    with pytest.raises(InputError, match="unknown recipe '_defaults'"):
        Recipe.load(DEFAULTS, domain="image")


def test_a_file_inherits_nothing_unless_it_says_so(tmp_path):
    text = 'domain = "image"\n[method]\nkind = "byol"\n'
    assert Recipe.load(write(tmp_path / "mine.toml", text)).encoder == Recipe().encoder
    mine = Recipe.load(write(tmp_path / "mine.toml", 'extends = "_defaults"\n' + text))
    assert (mine.encoder, mine.train) == (
        Recipe.load("byol", domain="image").encoder,
        Recipe.load("byol", domain="image").train,
    )


def test_a_file_extends_a_recipe_by_name(tmp_path):
    path = write(tmp_path / "mine.toml", 'extends = "imix-npair"\n[noise]\nrate = 0.1\n')
    assert Recipe.load(path) == Recipe.load("imix-npair", {"noise.rate": 0.1, "name": "mine"})
    assert Recipe.load(path, {"train.epochs": 3}).train.epochs == 3
    text = Recipe.load(path).to_toml()
    assert "extends" not in tomllib.loads(text)
    assert Recipe.from_toml(text) == Recipe.load(path)


def test_a_name_is_looked_up_in_the_domain_of_the_data_or_of_the_file(tmp_path):
    path = write(tmp_path / "mine.toml", 'extends = "npair"\n[method]\ntemperature = 0.7\n')
    changed = {"method.temperature": 0.7, "name": "mine"}
    assert Recipe.load(path, domain="series") == Recipe.load("npair", changed, "series")
    write(path, 'domain = "graph"\n' + path.read_text())
    assert Recipe.load(path) == Recipe.load("npair", changed, "graph")


def test_a_file_extends_another_file_beside_it(tmp_path):
    (tmp_path / "own").mkdir()
    write(tmp_path / "own" / "first.toml", 'name = "first"\nextends = "dacl"\n[train]\nepochs = 7\n')
    path = write(tmp_path / "second.toml", 'extends = "own/first.toml"\n[train]\nlr = 0.5\n')
    assert Recipe.load(path) == Recipe.load("dacl", {"train.epochs": 7, "train.lr": 0.5, "name": "second"})


def test_a_section_of_another_kind_replaces_the_section_and_imix_can_be_removed(tmp_path):
    path = write(tmp_path / "mine.toml", 'extends = "imix-npair"\nimix = "none"\nnoise = { kind = "gaussian" }\n')
    mine = Recipe.load(path)
    assert (mine.imix, mine.noise) == (None, Gaussian())


def test_the_text_of_a_recipe_may_extend_one_too():
    assert Recipe.from_toml('name = "npair"\nextends = "npair"') == Recipe.load("npair")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('extends = "imix-npiar"', r"mine\.toml: extends: unknown recipe 'imix-npiar'; did you mean 'imix-npair'\?"),
        ('extends = "other.toml"', r"mine\.toml: extends: .*other\.toml: there is no such recipe file"),
        ("extends = 3", r"mine\.toml: extends: give the name or the path of a recipe \(it is 3\)"),
        ('extends = "mine.toml"', r"mine\.toml: extends: 'mine\.toml' extends this recipe in turn"),
        (
            'domain = "text"\nextends = "../table.toml"',
            "'../table.toml' is for domain 'table', and this one for 'text'",
        ),
        ('extends = "scarf"\ndomain = "image"', "extends: recipe 'scarf' is for domain 'table'"),
        ('extends = "npair"\n[noise]\nrat = 1', r"unknown setting 'noise\.rat'; did you mean 'rate'\?"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, text, says):
    (tmp_path / "here").mkdir()
    write(tmp_path / "table.toml", "[train]\nepochs = 3\n")
    with pytest.raises(InputError, match=says):
        Recipe.load(write(tmp_path / "here" / "mine.toml", text))


def test_recipes_that_extend_each_other_are_refused(tmp_path):
    write(tmp_path / "a.toml", 'extends = "b.toml"')
    write(tmp_path / "b.toml", 'extends = "a.toml"')
    with pytest.raises(InputError, match=r"b\.toml: extends: 'a\.toml' extends this recipe in turn"):
        read_settings(tmp_path / "a.toml")
