"""Test that every shipped recipe loads and survives TOML, and that errors in a recipe are one line."""

import re
import tomllib

import pytest
import torch
from pydantic import ValidationError

from contramix.encoders.encoder import Inputs
from contramix.errors import InputError
from contramix.mixing.geometric import Geometric
from contramix.mixing.imix import IMix
from contramix.mixing.linear import Linear
from contramix.noise.drop import Drop
from contramix.noise.gaussian import Gaussian
from contramix.noise.mixup import MixupNoise
from contramix.recipe import Recipe
from contramix.recipes import shipped, summary
from contramix.runtime.randomness import Key
from contramix.training.objective import Objective

NAMES = (
    *("imix-npair", "imix-simclr", "imix-moco", "imix-byol", "npair", "simclr", "moco", "byol", "simsiam"),
    *("dacl", "dacl-plus", "gaussian", "simclr-dacl", "scarf", "imix-covtype-npair"),
)


def test_the_promised_recipes_are_there():
    assert set(NAMES) <= set(shipped())


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_recipe_loads_and_survives_toml(name):
    recipe = Recipe.load(name)
    assert recipe.name == name
    assert recipe.domain == "table"
    assert Recipe.from_toml(recipe.to_toml()) == recipe
    assert Recipe.load(recipe) == recipe
    assert recipe.differences(Recipe.load(name)) == []
    assert summary(shipped()[name])


@pytest.mark.parametrize("name", shipped())
def test_every_header_says_source_command_time_and_number(name):
    head = shipped()[name].read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    assert all(line.startswith("# ") for line in head)
    for part in ("Source:", "Command:", "Time:"):
        assert any(line.startswith(f"# {part}") for line in head), part
    assert any(re.match(r"# (Expected|Published):", line) for line in head)
    assert any(f"--recipe {name}" in line for line in head)


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_recipe_trains_a_step_on_a_small_network(name, mixed_rows, mixed_layout, mixed_spec):
    recipe = Recipe.load(name, {"encoder.width": 4})
    torch.manual_seed(0)
    encoder = recipe.encoder.build(mixed_spec.inputs())
    objective = Objective(encoder, recipe, recipe.extra, layout=mixed_layout, pool=mixed_rows).train()
    objective(mixed_rows, Key(0)).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in objective.parameters())


def test_the_parity_recipe_is_the_published_row():
    """methods.md A.3 and A.4, CovType, N-pair + i-Mix."""
    r = Recipe.load("imix-covtype-npair")
    assert (r.method.temperature, r.method.projector.kind, r.method.projector.out) == (0.1, "mlpbn", 128)
    assert (r.imix.alpha, type(r.imix.operator), r.imix.partners, r.imix.fold) == (2.0, Linear, 1, True)
    assert (r.noise.rate, r.noise.columns, r.encoder.width, r.table.mixing) == (0.2, "numeric", 64, "raw")
    t = r.train
    assert (t.optimizer, t.lr, t.momentum, t.weight_decay) == ("sgd", 0.125 * 512 / 256, 0.9, 1e-4)
    assert (t.epochs, t.batch_size, t.schedule, t.warmup_epochs) == (500, 512, "cosine-epoch", 5.0)


def test_dacl_plus_has_the_papers_three_operators():
    noise = Recipe.load("dacl-plus").noise
    assert [type(o).__name__ for o in noise.operators] == ["Linear", "Geometric", "Binary"]
    assert noise.per == "sample"
    assert Recipe.load("dacl-plus").imix is None


def test_simclr_dacl_is_two_terms_of_weight_one():
    r = Recipe.load("simclr-dacl")
    assert isinstance(r.noise, Drop)
    assert isinstance(r.extra[0].noise, MixupNoise)
    assert r.extra[0].method is None
    assert r.weight == r.extra[0].weight == 1.0


def test_overrides_reach_every_section():
    r = Recipe.load(
        "imix-npair",
        {
            "noise.rate": 0.3,
            "method.temperature": 0.7,
            "method.projector.out": 32,
            "imix.alpha": 0.5,
            "imix.cut": "layer1",
            "encoder.width": 16,
            "train.epochs": 3,
            "table.numeric": "quantile",
        },
    )
    assert (r.noise.rate, r.method.temperature, r.method.projector.out, r.imix.alpha) == (0.3, 0.7, 32, 0.5)
    assert (r.imix.cut, r.encoder.width, r.train.epochs, r.table.numeric) == (("layer1",), 16, 3, "quantile")


def test_a_new_kind_begins_with_its_own_defaults():
    r = Recipe.load("imix-npair", {"noise.std": 0.1, "noise.kind": "gaussian"})
    assert r.noise == Gaussian(std=0.1)
    assert Recipe.load("imix-npair", {"noise.kind": "drop"}).noise.rate == 0.2
    r = Recipe.load("imix-npair", {"imix.operator.kind": "geometric", "imix.operator.mode": "shift"})
    assert r.imix.operator == Geometric(mode="shift")


def test_imix_can_be_put_on_and_taken_off():
    assert Recipe.load("imix-npair", {"imix": "none"}).imix is None
    assert Recipe.load("npair", {"imix.alpha": 2.0}).imix == IMix(alpha=2.0)


def test_settings_that_differ_are_named():
    a, b = Recipe.load("npair"), Recipe.load("npair", {"noise.rate": 0.4})
    assert a.differences(b) == ["noise.rate: 0.3 and 0.4"]


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("[noise]\nkind = 'drop'\nrat = 0.2", r"unknown setting 'noise\.rat'; did you mean 'rate'\?"),
        ("[nois]\nrate = 0.2", r"unknown setting 'nois'; did you mean 'noise'\?"),
        ("[noise]\nkind = 'dorp'", r"noise.*unknown kind 'dorp'; did you mean 'drop'\?"),
        (
            "[method]\nkind = 'npair'\ntemprature = 1.0",
            r"unknown setting 'method\.temprature'; did you mean 'temperature'\?",
        ),
        ("[method]\nkind = 'npair'\nprojector = { knd = 'mlp' }", r"method\.projector\.knd'; did you mean 'kind'\?"),
        ("[method]\nkind = 'npair'\nprojector = { kind = 'mplbn' }", r"unknown head 'mplbn'; did you mean 'mlpbn'\?"),
        ("[imix]\nalfa = 1.0", r"unknown setting 'imix\.alfa'; did you mean 'alpha'\?"),
        ("[imix]\noperator = 'linaer'", r"imix\.operator.*'linaer'; did you mean 'linear'\?"),
        ("[imix]\noperator = { kind = 'geometric', epz = 0.1 }", r"imix\.operator\.epz'; did you mean 'eps'\?"),
        ("[imix]\nalpha = -1.0", r"imix\.alpha.*greater than 0 \(it is -1\.0\)"),
        ("[imix]\nalpha = nan", r"imix\.alpha.*finite"),
        ("[train]\nepoch = 3", r"unknown setting 'train\.epoch'; did you mean 'epochs'\?"),
        ("[train]\nepochs = 'many'", r"train\.epochs: should be a whole number of at least 1, or 'auto'"),
        ("[train]\noptimizer = 'sdg'", r"train\.optimizer: unknown optimizer 'sdg'; did you mean 'sgd'\?"),
        ("[train]\nlr = 'fast'", r"train\.lr.*'fast'"),
        ("[table]\nnumerc = 'quantile'", r"unknown setting 'table\.numerc'; did you mean 'numeric'\?"),
        ("[encoder]\nkind = 'mlp'\nwidht = 3", r"unknown setting 'encoder\.widht'; did you mean 'width'\?"),
        ("[[extra]]\n[extra.noise]\nkind = 'mixup'\nalhpa = 0.1", r"extra\.0\.noise\.alhpa'; did you mean 'alpha'\?"),
        ("[[extra]]\nwieght = 2.0", r"extra\.0\.wieght'; did you mean 'weight'\?"),
        ("noise = 7", r"noise.*needs a kind"),
        ("[noise", r"not TOML"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(toml, says):
    with pytest.raises(InputError, match=says) as caught:
        Recipe.from_toml(toml, "my.toml")
    assert str(caught.value).startswith("my.toml: ")
    assert "\n" not in str(caught.value)


def test_unknown_recipes_and_files(tmp_path):
    with pytest.raises(InputError, match=r"unknown recipe 'imix-npiar'; did you mean 'imix-npair'\?"):
        Recipe.load("imix-npiar")
    with pytest.raises(InputError, match="no such recipe file"):
        Recipe.load(tmp_path / "mine.toml")
    with pytest.raises(InputError, match=r"unknown setting 'noise\.rat'"):
        Recipe.load("npair", {"noise.rat": 0.3})
    with pytest.raises(InputError, match="no section"):
        Recipe.load("npair", {"noise.rate.low": 0.3})


def test_a_recipe_of_ones_own_is_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(Recipe.load("dacl", {"noise.alpha": 0.9}).to_toml().replace('name = "dacl"\n', ""))
    recipe = Recipe.load(path)
    assert recipe.name == "mine"
    assert recipe.noise.alpha == 0.9
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"bad\.toml: not a TOML"):
        Recipe.load(tmp_path / "bad.toml")


def test_toml_holds_every_setting():
    written = tomllib.loads(Recipe.load("imix-npair").to_toml())
    assert written["imix"] == {
        "operator": {"kind": "linear"},
        "alpha": 2.0,
        "partners": 1,
        "fold": True,
        "cut": ["auto"],
    }
    assert written["method"]["projector"]["kind"] == "mlpbn"
    assert written["noise"]["kind"] == "marginal"


def test_a_recipe_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        Recipe.load("npair").name = "other"


def test_encoder_of_a_recipe_builds():
    assert Recipe.load("npair", {"encoder.width": 4}).encoder.build(Inputs((3,))).width == 4


def test_a_setting_of_a_domain_says_which_domain_a_name_is_of():
    assert Recipe.load("dacl", {"audio.mels": 16}).audio.mels == 16
    assert Recipe.load("dacl", {"image.size": 16}).domain == "image"
    assert Recipe.load("dacl", {"noise.alpha": 0.7}).domain == "table"
