"""Test encoders: stages that can be stopped and resumed, the published network's size, and users' modules."""

import math
import sys
from collections import OrderedDict
from types import ModuleType

import pytest
import torch
from pydantic import TypeAdapter
from torch import nn

from contramix.encoders import ENCODERS, AnyEncoder
from contramix.encoders.category_embedding import CategoryEmbedding, embedding_size
from contramix.encoders.encoder import Encoder, EncoderSettings, Inputs
from contramix.encoders.imix_mlp import Groups, IMixMLP, Maxout
from contramix.encoders.mlp import MLP
from contramix.encoders.user_module import wrap
from contramix.errors import InputError
from contramix.mixing.linear import Linear

FLAT = Inputs((9,), (4, 2, 3))
CODED = Inputs((9,), (4, 1, 4), ((4, 6),))
IMAGE = Inputs((3, 2, 2))
PICTURE = Inputs((3, 9, 8))
TAKES = {kind: [FLAT, CODED, IMAGE, Inputs((5,))] for kind in ("mlp", "imix_mlp")}
OF_VALUES = [kind for kind, settings in ENCODERS.items() if "values" in settings.takes]
EVERY = [(kind, inputs) for kind in OF_VALUES for inputs in TAKES.get(kind, [PICTURE, Inputs((1, 32, 10))])]


def made(kind: str, width: int = 4) -> EncoderSettings:
    size = {"name": "tiny"} if kind == "timm" else {"width": width}
    return TypeAdapter(AnyEncoder).validate_python({"kind": kind, **size})


class FakeTimm(ModuleType):
    """Stands for timm, which is not there: it knows one model."""

    @staticmethod
    def create_model(name, pretrained, num_classes, in_chans):
        if name != "tiny":
            raise RuntimeError(f"Unknown model ({name})\nand more")
        assert pretrained is False
        assert num_classes == 0

        class Tiny(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(in_chans, 5, 3, padding=1)

            def forward(self, x):
                return self.conv(x).relu().mean((2, 3))

        return Tiny()


@pytest.fixture(autouse=True)
def _timm(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", FakeTimm("timm"))


def batch(inputs: Inputs, n: int = 6) -> torch.Tensor:
    x = torch.randn(n, *inputs.shape, generator=torch.Generator().manual_seed(0))
    for at, codes in inputs.codes:
        x[:, at] = torch.arange(n).float() % codes
    return x


@pytest.mark.parametrize(("kind", "inputs"), EVERY)
@pytest.mark.parametrize("training", [True, False])
def test_two_halves_at_every_cut_are_the_whole(kind, inputs, training):
    torch.manual_seed(0)
    encoder = made(kind).build(inputs).train(training)
    x = batch(inputs)
    whole = encoder(x)
    assert whole.shape == (6, encoder.width)
    assert encoder.cuts == ("input", *encoder.stages, "output")
    for place, cut in enumerate(encoder.cuts):
        half = encoder.run(x, stop=cut)
        assert torch.equal(half, x) == (cut == "input")
        assert torch.equal(encoder.run(half, start=cut), whole)
        by_hand = x
        for stage in list(encoder.stages.values())[:place]:
            by_hand = stage(by_hand)
        assert torch.equal(half, by_hand)


@pytest.mark.parametrize("kind", ENCODERS)
def test_an_encoder_reads_and_writes_itself(kind):
    settings = made(kind)
    assert type(settings) is ENCODERS[kind]
    again = TypeAdapter(AnyEncoder).validate_python(TypeAdapter(AnyEncoder).dump_python(settings))
    assert again == settings


@pytest.mark.parametrize(("kind", "inputs"), [(kind, inputs) for kind, inputs in EVERY if not inputs.codes])
@pytest.mark.parametrize("training", [True, False])
def test_mixing_at_every_cut_trains_through_both_partners(kind, inputs, training):
    """The official code mixes behind an in-place ReLU and crashes in the backward pass."""
    torch.manual_seed(0)
    encoder = made(kind, width=16).build(inputs).train(training)
    partner = torch.tensor([[3], [2], [1], [4], [5], [0]])
    weight = torch.tensor([[0.7, 0.3]]).expand(6, 2)
    for cut in encoder.cuts:
        x = batch(inputs).requires_grad_()
        half = encoder.run(x, stop=cut)
        before = half.detach().clone()
        mixed = Linear()(half, partner, weight, generator=torch.Generator(), layout=None).x
        out = encoder.run(mixed, start=cut)
        loss = out[0].square().sum()
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.equal(half, before)
        reached = x.grad.flatten(1).abs().sum(1) > 0
        assert reached[0]
        assert reached[3]
        if not training:  # BatchNorm's statistics tie all samples of a batch together
            assert not reached[[1, 2, 4, 5]].any()
        if cut != "output":
            assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in encoder.parameters())
        encoder.zero_grad()


def test_a_middle_part_runs_between_two_cuts():
    torch.manual_seed(0)
    encoder = MLP(depth=3, width=4).build(FLAT)
    x = encoder.run(batch(FLAT), stop="layer1")
    assert torch.equal(encoder.run(x, "layer1", "layer2"), encoder.stages["layer2"](x))
    assert encoder.run(x, "layer2", "layer2") is x


def test_an_unknown_stage_names_the_nearest():
    with pytest.raises(InputError, match=r"no stage 'layer9'.*did you mean 'layer\d'"):
        MLP(depth=3, width=4).build(FLAT).position("layer9")


def test_mlp_layers():
    encoder = MLP(depth=3, width=16).build(FLAT)
    assert list(encoder.stages) == ["layer1", "layer2", "layer3"]
    shapes = []
    for stage in encoder.stages.values():
        linear, norm, relu = stage
        assert isinstance(norm, nn.BatchNorm1d)
        assert isinstance(relu, nn.ReLU)
        shapes.append((linear.in_features, linear.out_features))
    assert shapes == [(9, 16), (16, 16), (16, 16)]
    assert encoder.width == 16
    assert "embed" in MLP().build(CODED).stages


def test_the_published_network_has_its_layers_and_parameters():
    """methods.md A.4: 63.6 M with its head; 63,356,480 without."""
    with torch.device("meta"):
        encoder = IMixMLP().build(Inputs((54,), (10, 4, 40)))
    assert sum(p.numel() for p in encoder.parameters()) == 63_356_480
    linears = [(m.in_features, m.out_features) for m in encoder.modules() if isinstance(m, nn.Linear)]
    assert linears == [
        *((10, 64), (4, 64), (40, 64)),
        *((192, 2048), (2048, 2048), (2048, 4096), (4096, 4096), (4096, 8192)),
    ]
    assert encoder.width == 2048
    assert list(encoder.stages) == ["groups", "layer1", "layer2", "layer3", "layer4", "layer5"]
    assert not any(isinstance(m, nn.BatchNorm1d | nn.ReLU) for m in encoder.stages["groups"].modules())
    for n in range(1, 5):
        assert [type(m) for m in encoder.stages[f"layer{n}"]] == [nn.Linear, nn.BatchNorm1d, nn.ReLU]
    assert [type(m) for m in encoder.stages["layer5"]] == [nn.Linear, Maxout]


def test_one_group_gets_batchnorm_and_relu():
    encoder = IMixMLP(width=4).build(Inputs((28,)))
    found = [type(m) for m in encoder.stages["groups"].modules()]
    assert nn.BatchNorm1d in found
    assert nn.ReLU in found
    assert (encoder.run(torch.randn(8, 28), stop="groups") >= 0).all()


def test_width_scales_every_layer():
    encoder = IMixMLP(width=8).build(Inputs((54,), (10, 4, 40)))
    outs = [m.out_features for m in encoder.modules() if isinstance(m, nn.Linear)]
    assert outs == [8, 8, 8, 256, 256, 512, 512, 1024]
    assert encoder.width == 256


def test_groups_see_their_own_columns_only():
    torch.manual_seed(0)
    groups = Groups(9, (4, 2, 3), (), 5)
    x = batch(FLAT)
    out = groups(x)
    assert out.shape == (6, 15)
    for n, (start, stop) in enumerate([(0, 4), (4, 6), (6, 9)]):
        layer = groups.layers[n]
        torch.testing.assert_close(out[:, 5 * n : 5 * n + 5], x[:, start:stop] @ layer.weight.T + layer.bias)


def test_groups_with_codes_embed_them():
    torch.manual_seed(0)
    groups = Groups(9, CODED.groups, CODED.codes, 5)
    x = batch(CODED)
    layer = groups.layers[1]
    embed, linear = layer
    want = linear(embed.tables[0](x[:, 4].long()))
    torch.testing.assert_close(groups(x)[:, 5:10], want)


def test_maxout_by_hand():
    x = torch.tensor([[1.0, 5.0, -2.0, 0.0, -3.0, -1.0, -7.0, -2.0]])
    assert Maxout(4)(x).tolist() == [[5.0, -1.0]]
    assert Maxout(2)(x).tolist() == [[5.0, 0.0, -1.0, -2.0]]


def test_codes_become_vectors_and_the_rest_stays_in_front():
    torch.manual_seed(0)
    embed = CategoryEmbedding(4, ((1, 5), (3, 100)))
    x = torch.tensor([[0.5, 4.0, -1.5, 99.0], [1.5, 0.0, 2.5, 7.0]])
    out = embed(x)
    assert embed.width == out.shape[1] == 2 + 3 + 10
    assert torch.equal(out[:, :2], x[:, [0, 2]])
    assert torch.equal(out[:, 2:5], embed.tables[0].weight[[4, 0]])
    assert torch.equal(out[:, 5:], embed.tables[1].weight[[99, 7]])
    out.sum().backward()
    assert embed.tables[0].weight.grad[[4, 0]].eq(1).all()
    assert not embed.tables[0].weight.grad[[1, 2, 3]].any()


@pytest.mark.parametrize("levels", [1, 2, 3, 4, 5, 9, 10, 900, 1025, 10**6])
def test_the_size_of_vectors(levels):
    assert embedding_size(levels) == max(2, min(32, math.ceil(math.sqrt(levels))))


def test_a_sequential_becomes_stages():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(9, 5), nn.BatchNorm1d(5), nn.ReLU())
    encoder = wrap(module, FLAT)
    assert list(encoder.stages) == ["stage0", "stage1", "stage2"]
    assert encoder.width == 5
    x = batch(FLAT)
    assert torch.equal(encoder.eval()(x), module.eval()(x))
    named = wrap(nn.Sequential(OrderedDict(body=nn.Linear(9, 4), end=nn.Tanh())), FLAT)
    assert named.cuts == ("input", "body", "end", "output")
    assert int(module[1].num_batches_tracked) == 0  # trying it out leaves no trace


def test_a_child_used_twice_runs_twice():
    relu = nn.ReLU()
    module = nn.Sequential(nn.Linear(9, 5), relu, nn.Linear(5, 5), relu)
    encoder, x = wrap(module, FLAT), batch(FLAT)
    assert torch.equal(encoder(x), module(x))
    assert (encoder(x) >= 0).all()


def test_a_sequential_with_a_forward_of_its_own_is_one_stage():
    class Doubled(nn.Sequential):
        def forward(self, x):
            return 2 * super().forward(x)

    module = Doubled(nn.Linear(9, 5))
    encoder, x = wrap(module, FLAT), batch(FLAT)
    assert list(encoder.stages) == ["module"]
    assert torch.equal(encoder(x), module(x))


class Skip(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(9, 9)

    def forward(self, x):
        return x + self.linear(x)


@pytest.mark.parametrize("training", [True, False])
def test_any_module_is_one_stage_and_keeps_its_mode(training):
    module = Skip().train(training)
    encoder, x = wrap(module, FLAT), batch(FLAT)
    assert list(encoder.stages) == ["module"]
    assert encoder.width == 9
    assert torch.equal(encoder(x), module(x))
    assert module.training == encoder.training == training


def test_an_encoder_stays_as_it_is():
    encoder = MLP(depth=1, width=4).build(FLAT)
    assert wrap(encoder, FLAT) is encoder
    assert isinstance(encoder, Encoder)


@pytest.mark.parametrize(
    ("module", "says"),
    [
        (nn.Linear(4, 4), r"does not take inputs of shape \(9,\)"),
        (nn.Unflatten(1, (3, 3)), r"one vector per sample.*\(2, 3, 3\)"),
        (nn.Flatten(0), r"one vector per sample.*\(18,\)"),
        (nn.GRU(9, 4), "one vector per sample, not tuple"),
    ],
    ids=["width", "three axes", "no batch", "a tuple"],
)
def test_modules_that_give_no_vector_a_sample_are_refused(module, says):
    with pytest.raises(InputError, match=says):
        wrap(module, FLAT)
