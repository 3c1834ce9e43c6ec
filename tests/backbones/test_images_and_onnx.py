"""Test backbones of images: modules of the user, timm, and ONNX files; and ONNX files for texts."""

import sys
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from torch import nn

import contramix
from contramix.backbones import BackboneSettings, open_backbone, register_function
from contramix.backbones.images import IMAGENET_MEAN, IMAGENET_STD
from contramix.errors import InputError
from contramix.io.records import Records
from contramix.models.reading import encode_columns
from contramix.recipe import resolve


class Pooled(nn.Module):
    """Return the channels of an image, each averaged over half of its positions."""

    def forward(self, x):
        return x.unflatten(2, (2, -1)).mean((3, 4)).flatten(1)


IMAGES = np.random.default_rng(0).integers(0, 256, (3, 3, 8, 8)).astype(np.uint8)


def expected(images):
    mean, deviation = (np.array(values).reshape(1, 3, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    halves = images.reshape(len(images), 3, 2, -1).mean(3) / 255
    return ((halves - mean) / deviation).reshape(len(images), 6)


def test_modules_get_normalized_pixels():
    backbone = open_backbone(BackboneSettings(name=register_function(Pooled()), domain="image", size=8))
    assert (backbone.width, backbone.image_size) == (6, 8)
    np.testing.assert_allclose(backbone.encode(list(IMAGES)), expected(IMAGES), atol=1e-5)


def test_timm_models_are_opened_with_their_size_and_normalization(monkeypatch):
    asked = []

    def create_model(name, pretrained, num_classes):
        asked.append((name, pretrained, num_classes))
        return nn.Identity()

    config = {"input_size": (3, 4, 4), "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
    data = SimpleNamespace(resolve_model_data_config=lambda module: config)
    monkeypatch.setitem(sys.modules, "timm", SimpleNamespace(create_model=create_model, data=data))
    monkeypatch.setattr("contramix.backbones.images.version", lambda name: "1.0")
    backbone = open_backbone(BackboneSettings(name="a_timm_model", domain="image"))
    assert asked == [("a_timm_model", True, 0)]
    assert (backbone.image_size, backbone.width, backbone.library) == (4, 3, "timm 1.0")
    image = np.full((3, 4, 4), 51, np.uint8)
    np.testing.assert_allclose(backbone.encode([image]), np.full((1, 3), 0.2), atol=1e-6)


def test_without_timm_a_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match=r"pip install 'contramix\[timm\]'"):
        open_backbone(BackboneSettings(name="resnet18", domain="image"))


def onnx_file(path, nodes, inputs, outputs, constants=()):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    from onnx import TensorProto, helper

    kinds = {"f": TensorProto.FLOAT, "i": TensorProto.INT64}
    made = [helper.make_node(kind, given, [out], **options) for kind, given, out, options in nodes]
    ends = [[helper.make_tensor_value_info(n, kinds[k], shape) for n, k, shape in side] for side in (inputs, outputs)]
    stored = [onnx.numpy_helper.from_array(value, name) for name, value in constants]
    graph = helper.make_graph(made, "graph", *ends, stored)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_onnx_files_of_images(tmp_path):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    path = onnx_file(
        tmp_path / "mean.onnx",
        [("GlobalAveragePool", ["x"], "y", {})],
        [("x", "f", ["n", 3, 8, 8])],
        [("y", "f", ["n", 3, 1, 1])],
    )
    backbone = open_backbone(BackboneSettings(name=str(path), domain="image"))
    assert (backbone.width, backbone.image_size) == (3, 8)
    np.testing.assert_allclose(backbone.encode(list(IMAGES)), expected(IMAGES).reshape(3, 3, 2).mean(2), atol=1e-5)


def test_onnx_files_of_texts_average_the_tokens(tmp_path, small_model):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    weight = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    path = onnx_file(
        tmp_path / "words.onnx",
        [("Gather", ["table", "input_ids"], "y", {})],
        [("input_ids", "i", ["n", "t"])],
        [("y", "f", ["n", "t", 5])],
        [("table", weight)],
    )
    settings = BackboneSettings(name=str(path))
    with pytest.raises(InputError, match=r"no tokenizer.json"):
        open_backbone(settings)
    (tmp_path / "tokenizer.json").write_bytes((small_model / "tokenizer.json").read_bytes())
    ids = [[2, 5, 9, 3], [2, 4, 10, 11, 3]]
    np.testing.assert_allclose(
        open_backbone(settings).encode(["the cat", "a dog runs"]), [weight[row].mean(0) for row in ids], atol=1e-6
    )


def test_what_is_no_onnx_file_is_refused(tmp_path):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    with pytest.raises(InputError, match="there is no such file"):
        open_backbone(BackboneSettings(name=str(tmp_path / "a.onnx")))
    (tmp_path / "a.onnx").write_bytes(b"nothing")
    with pytest.raises(InputError, match="no ONNX file"):
        open_backbone(BackboneSettings(name=str(tmp_path / "a.onnx")))


def test_a_classifier_with_a_module_as_backbone_is_saved_and_loaded_with_it(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (60, 8, 8, 3)).astype(np.uint8)
    y = np.where(X[:, :4].mean((1, 2, 3)) > X[:, 4:].mean((1, 2, 3)), "up", "down").astype(object)
    y[40:] = -1
    module = Pooled()
    model = contramix.ContrastiveClassifier(
        backbone=module, overrides={"backbone.size": 8}, epochs=2, random_state=0
    ).fit(X, y)
    assert next(part.blocks for part in model.model_.blend.parts) == ("raw",)
    assert len(model.model_.others) == 2
    p = model.predict_proba(X)
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(contramix.load(tmp_path / "model", backbone=module).predict_proba(X), p)
    with pytest.raises(InputError, match="another backbone"):
        contramix.load(tmp_path / "model", backbone=nn.Linear(2, 2))


def test_columns_of_paths_become_vectors_of_the_images(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    for number, pixels in enumerate(IMAGES):
        image.fromarray(pixels.transpose(1, 2, 0)).save(tmp_path / f"{number}.png")
    paths = [str(tmp_path / f"{number}.png") for number in (2, 0, 1, 0)]
    settings = {"name": register_function(Pooled()), "domain": "image", "size": 8}
    recipe = resolve("npair", {"table.backbones": {"photo": settings}}, None, "table")
    table = pa.table({"photo": pa.array([*paths[:2], None, *paths[2:]], pa.large_string()), "price": range(5)})
    photos = encode_columns(Records(table), recipe).table["photo"].to_pylist()
    assert photos[2] is None
    np.testing.assert_allclose([photos[row] for row in (0, 1, 3, 4)], expected(IMAGES[[2, 0, 1, 0]]), atol=1e-5)


def test_functions_of_texts_are_backbones():
    texts = [f"{'word ' * (n % 7)}{n}" for n in range(40)]
    encoder = contramix.ContrastiveEncoder(
        "npair", backbone=lambda values: np.array([[len(v), v.count(" ")] for v in values]), epochs=1, random_state=0
    ).fit(texts)
    assert encoder.transform(texts).shape == (40, 512)
    assert list(encoder.model_.spec.kinds["embedding"]) == ["vector"]


def test_backbones_are_for_texts_and_images_only():
    with pytest.raises(InputError, match="turns texts or images into vectors, and the data are 'table'"):
        contramix.ContrastiveEncoder("npair", backbone="a-model", epochs=1).fit(np.zeros((5, 3)))


def test_weights_decide_the_name_of_a_module():
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    equal = nn.Linear(2, 2)
    equal.load_state_dict(first.state_dict())
    assert register_function(first) == register_function(equal) != register_function(second)
