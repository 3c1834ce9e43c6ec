"""Compare ResNets with published sizes and formulas, and test the small CNN and a fake timm model."""

import math
import sys

import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.nn import functional

from contramix.encoders.cnn import CNN
from contramix.encoders.convolution import ChannelsLast
from contramix.encoders.encoder import Inputs
from contramix.encoders.resnet import Basic, Bottleneck, ResNet
from contramix.encoders.timm_model import TimmModel
from contramix.errors import InputError


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def shapes(encoder, inputs: Inputs) -> dict[str, tuple[int, ...]]:
    encoder.eval()
    x = torch.zeros(2, *inputs.shape)
    return {name: tuple(encoder.run(x, stop=name).shape[1:]) for name in encoder.stages}


# torchvision's published numbers of parameters, and of its classifier for 1,000 classes.
PUBLISHED = [(18, 11_689_512, 512), (34, 21_797_672, 512), (50, 25_557_032, 2048), (101, 44_549_160, 2048)]


@pytest.mark.parametrize(("depth", "total", "width"), PUBLISHED)
def test_the_published_networks_have_their_parameters(depth, total, width):
    with torch.device("meta"):
        encoder = ResNet(depth=depth, stem="imagenet").build(Inputs((3, 224, 224)))
        small = ResNet(depth=depth).build(Inputs((3, 32, 32)))
    assert encoder.width == width
    assert parameters(encoder) == total - 1000 * (width + 1)
    assert parameters(encoder) - parameters(small) == 3 * 64 * (7 * 7 - 3 * 3)


def test_stages_of_the_small_stem_and_of_the_large():
    inputs = Inputs((3, 64, 64))
    assert shapes(ResNet(width=4).build(inputs), inputs) == {
        "stem": (4, 64, 64),
        "layer1": (4, 64, 64),
        "layer2": (8, 32, 32),
        "layer3": (16, 16, 16),
        "layer4": (32, 8, 8),
        "pool": (32,),
    }
    assert shapes(ResNet(depth=50, width=4, stem="imagenet").build(inputs), inputs) == {
        "stem": (4, 16, 16),
        "layer1": (16, 16, 16),
        "layer2": (32, 8, 8),
        "layer3": (64, 4, 4),
        "layer4": (128, 2, 2),
        "pool": (128,),
    }
    inputs = Inputs((1, 40, 98))
    assert shapes(CNN(width=4).build(inputs), inputs) == {
        "layer1": (4, 20, 49),
        "layer2": (8, 10, 25),
        "layer3": (16, 5, 13),
        "layer4": (16, 5, 13),
        "layer5": (32, 5, 13),
        "pool": (32,),
    }


@pytest.mark.parametrize("settings", [ResNet(width=2), ResNet(depth=50, width=2, stem="imagenet"), CNN(width=2)])
@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 9, 31), (4, 33, 8)])
def test_any_size_and_number_of_channels(settings, shape):
    encoder = settings.build(Inputs(shape))
    out = encoder(torch.rand(3, *shape))
    assert out.shape == (3, encoder.width)
    assert torch.isfinite(out).all()


def norm(x, layer):
    """BatchNorm in eval mode, written out."""
    mean, var, gain, shift = (
        v[:, None, None] for v in (layer.running_mean, layer.running_var, layer.weight, layer.bias)
    )
    return (x - mean) / (var + layer.eps).sqrt() * gain + shift


def stir(module: nn.Module) -> nn.Module:
    """Statistics and weights of BatchNorm that are not 0 and 1."""
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for value in (layer.running_mean, layer.weight.data, layer.bias.data):
                value.normal_()
            layer.running_var.uniform_(0.5, 2)
    return module.eval()


@pytest.mark.parametrize("stride", [1, 2])
def test_a_basic_block_is_its_formula(stride):
    torch.manual_seed(0)
    block = stir(Basic(4, 4 * stride, stride))
    x = torch.randn(2, 4, 7, 6)
    c1, n1, _, c2, n2 = block.branch
    y = norm(functional.conv2d(x, c1.weight, stride=stride, padding=1), n1).clamp(min=0)
    y = norm(functional.conv2d(y, c2.weight, padding=1), n2)
    shortcut = x
    if stride == 2:
        c, n = block.shortcut
        shortcut = norm(functional.conv2d(x, c.weight, stride=2), n)
    torch.testing.assert_close(block(x), (y + shortcut).clamp(min=0))


@pytest.mark.parametrize("stride", [1, 2])
def test_a_bottleneck_is_its_formula(stride):
    torch.manual_seed(0)
    block = stir(Bottleneck(6, 3, stride))
    x = torch.randn(2, 6, 7, 6)
    c1, n1, _, c2, n2, _, c3, n3 = block.branch
    y = norm(functional.conv2d(x, c1.weight), n1).clamp(min=0)
    y = norm(functional.conv2d(y, c2.weight, stride=stride, padding=1), n2).clamp(min=0)
    y = norm(functional.conv2d(y, c3.weight), n3)
    c, n = block.shortcut
    shortcut = norm(functional.conv2d(x, c.weight, stride=stride), n)
    assert y.shape[1] == 12
    torch.testing.assert_close(block(x), (y + shortcut).clamp(min=0))


def test_where_the_shape_stays_the_shortcut_is_the_identity():
    assert isinstance(Basic(4, 4, 1).shortcut, nn.Identity)
    assert isinstance(Bottleneck(16, 4, 1).shortcut, nn.Identity)
    assert not isinstance(Bottleneck(4, 4, 1).shortcut, nn.Identity)


def test_first_weights():
    """He et al. 2015, by the outputs: a standard deviation of sqrt(2 / (out k k)); BatchNorm 1 and 0."""
    torch.manual_seed(0)
    for encoder in (ResNet(width=32).build(Inputs((3, 32, 32))), CNN(width=64).build(Inputs((3, 32, 32)))):
        for layer in encoder.modules():
            if isinstance(layer, nn.Conv2d):
                want = math.sqrt(2 / (layer.out_channels * math.prod(layer.kernel_size)))
                n = layer.weight.numel()
                assert float(layer.weight.detach().std()) == pytest.approx(want, rel=4 / math.sqrt(2 * n))
                assert layer.bias is None
            if isinstance(layer, nn.BatchNorm2d):
                assert layer.weight.eq(1).all()
                assert layer.bias.eq(0).all()


@pytest.mark.parametrize("depth", [18, 50])
def test_blocks_may_start_as_the_identity(depth):
    torch.manual_seed(0)
    x = torch.rand(4, 3, 16, 16)
    inputs = Inputs((3, 16, 16))
    encoder = ResNet(depth=depth, width=4, zero_init_residual=True).build(inputs)
    second = encoder.stages["layer1"][2]
    y = encoder.run(x, stop="layer1")
    assert torch.equal(second(y), y)
    plain = ResNet(depth=depth, width=4).build(inputs)
    assert not torch.equal(plain.stages["layer1"][2](y), y)


@pytest.mark.parametrize("settings", [ResNet(width=4), ResNet(depth=50, width=4), CNN(width=4)])
@pytest.mark.parametrize("channels", [1, 3])
def test_channels_lie_side_by_side_in_all_stages(settings, channels):
    torch.manual_seed(0)
    encoder = settings.build(Inputs((channels, 16, 16))).eval()
    x = torch.rand(2, channels, 16, 16)
    for name in list(encoder.stages)[:-1]:
        y = encoder.run(x, stop=name)
        assert y.is_contiguous(memory_format=torch.channels_last)
        assert y.stride(1) == 1
        scattered = encoder.run(y.contiguous(), start=name)
        torch.testing.assert_close(scattered, encoder.run(y, start=name))


def test_the_order_in_memory_changes_no_number():
    torch.manual_seed(0)
    encoder = stir(ResNet(width=4).build(Inputs((3, 16, 16))))
    x = torch.rand(2, 3, 16, 16)
    want = encoder(x)
    for stage in encoder.stages.values():
        for place, layer in enumerate(stage):
            if isinstance(layer, ChannelsLast):
                stage[place] = nn.Identity()
    assert encoder.run(x, stop="stem").is_contiguous()
    torch.testing.assert_close(encoder(x), want)


@pytest.mark.parametrize("settings", [ResNet(width=4), CNN(width=4), TimmModel(name="resnet18")])
@pytest.mark.parametrize("shape", [(54,), (16000,), (3, 32)])
def test_flat_inputs_are_refused_with_the_encoder_to_take(settings, shape):
    with pytest.raises(InputError, match=r"takes images or spectrograms.* not .*; use encoder 'mlp'") as caught:
        settings.build(Inputs(shape))
    assert " x ".join(map(str, shape)) in str(caught.value)


def test_settings_that_make_no_network():
    for wrong in ({"depth": 20}, {"width": 0}, {"stem": "large"}, {"multiplier": 4}):
        with pytest.raises(ValidationError):
            ResNet(**wrong)


class Stand:
    """Stands for timm."""

    def __init__(self):
        self.asked = {}

    def create_model(self, name, **options):
        if name == "nameless":
            raise RuntimeError("Unknown model (nameless)\nsecond line")
        self.asked = {"name": name, **options}
        return nn.Sequential(nn.Conv2d(options["in_chans"], 7, 8), nn.Flatten()) if name == "fixed" else Last()


class Last(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


def test_a_model_of_timm_is_one_stage(monkeypatch):
    timm = Stand()
    monkeypatch.setitem(sys.modules, "timm", timm)
    encoder = TimmModel(name="some_net").build(Inputs((5, 8, 8)))
    assert timm.asked == {"name": "some_net", "pretrained": False, "num_classes": 0, "in_chans": 5}
    assert list(encoder.stages) == ["module"]
    assert encoder.width == 5


def test_what_timm_cannot_do_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", Stand())
    with pytest.raises(InputError, match=r"^encoder 'timm', model 'nameless': Unknown model \(nameless\)$"):
        TimmModel(name="nameless").build(Inputs((3, 8, 8)))
    with pytest.raises(InputError, match=r"one vector a sample|does not take inputs of shape \(3, 4, 4\)"):
        TimmModel(name="fixed").build(Inputs((3, 4, 4)))
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match=r"^encoder 'timm' needs timm \(pip install timm\): [^\n]*$"):
        TimmModel(name="resnet18").build(Inputs((3, 8, 8)))


@pytest.mark.parametrize("settings", [ResNet(width=2), ResNet(depth=50, width=2, stem="imagenet"), CNN(width=2)])
def test_no_layer_works_in_place(settings):
    assert not any(getattr(layer, "inplace", False) for layer in settings.build(Inputs((3, 8, 8))).modules())
