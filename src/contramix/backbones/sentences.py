"""Compute vectors of texts with a model that sentence-transformers loads."""

import os
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from numpy import ndarray

from contramix.backbones.backbone import hash_files
from contramix.backbones.settings import BackboneSettings
from contramix.errors import InputError, first_line, printable

WEIGHTS = ("*.safetensors",)
"""Patterns of the names of files of weights. Others, which may hold pickled objects, are not loaded."""
LEFT_OUT = {".git", ".cache", "onnx", "openvino"}
"""Folders of a model that hold other forms of the same weights."""


class Sentences:
    """Compute vectors of texts with a model of sentence-transformers or transformers.

    Texts of more than ``max_length`` tokens are cut. No code in the model's folder is run, and only weights in
    safetensors files are loaded.

    Parameters
    ----------
    settings
        Name or folder of the model, and how it is used.
    device
        Device on which the model runs.

    Raises
    ------
    InputError
        If sentence-transformers is not installed, or the model cannot be loaded.
    """

    image_size: int | None = None

    def __init__(self, settings: BackboneSettings, device: str = "cpu") -> None:
        try:
            library = import_module("sentence_transformers")
        except ImportError as error:
            raise InputError(
                f"`backbone` {settings.name!r} needs sentence-transformers (pip install 'contramix[hf]'): {error}"
            ) from error
        folder = find_folder(settings)
        files = _files(folder)
        self.weights_sha256 = hash_files(files, folder)
        self.library = f"sentence-transformers {version('sentence-transformers')}"
        try:
            self._model = _load(library, folder, settings, device)
            self.width = int(self._model.get_embedding_dimension() or 0)
        except InputError:
            raise
        except Exception as error:  # the library raises what its many parts do
            raise InputError(f"`backbone` {settings.name!r}: cannot be loaded: {first_line(error, 160)}") from error
        if settings.max_length is not None:
            self._model.max_seq_length = settings.max_length
        self._prompt = settings.prompt or None
        self.max_length = self._model.max_seq_length

    def encode(self, values: Sequence[str]) -> Float32[ndarray, " n d"]:
        """Return one vector for each text."""
        with torch.inference_mode():
            out = self._model.encode(
                list(values),
                prompt=self._prompt,
                batch_size=len(values),
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        return np.ascontiguousarray(out, np.float32)


def find_folder(settings: BackboneSettings) -> Path:
    """Return the folder of a model: that which the settings name, or that into which the hub's client downloads it.

    Raises
    ------
    InputError
        If there is no such folder, and the model cannot be downloaded.
    """
    if os.path.isdir(settings.name):
        return Path(settings.name)
    if os.path.exists(settings.name) or settings.name.startswith((".", "/", "~")) or settings.name.count("/") > 1:
        raise InputError(f"`backbone` {printable(settings.name)!r}: there is no such folder")
    name = settings.name if "/" in settings.name else f"sentence-transformers/{settings.name}"
    try:
        hub = import_module("huggingface_hub")
        patterns = ["*.json", "*.txt", "*.model", *WEIGHTS]
        ignored = [f"{folder}/*" for folder in LEFT_OUT]
        found = hub.snapshot_download(
            name, revision=settings.revision, allow_patterns=patterns, ignore_patterns=ignored
        )
    except Exception as error:  # the hub's client raises what its network library does
        raise InputError(
            f"`backbone` {printable(settings.name)!r}: there is no such folder, and it cannot be downloaded "
            f"({first_line(error, 160)}); where there is a network, run 'hf download {printable(name)}', and give the "
            "folder"
        ) from error
    return Path(found)


def _files(folder: Path) -> list[Path]:
    found = [path for path in folder.rglob("*") if path.is_file() and not LEFT_OUT & set(path.parts)]
    if not any(path.match(pattern) for path in found for pattern in WEIGHTS):
        other = next((path.name for path in found if path.suffix in (".bin", ".pt", ".pth")), None)
        why = "holds no weights (*.safetensors)" if other is None else f"holds pickled weights only ({other})"
        raise InputError(f"`backbone` {folder}: {why}; give a folder with weights as safetensors")
    return [path for path in found if path.suffix in (".json", ".txt", ".model", ".safetensors")]


def _load(library: Any, folder: Path, settings: BackboneSettings, device: str) -> Any:
    import_module("transformers").utils.logging.disable_progress_bar()
    model = library.SentenceTransformer(
        str(folder),
        device=device,
        trust_remote_code=False,
        local_files_only=True,
        model_kwargs={"use_safetensors": True},
    )
    for number, module in enumerate(model if settings.pooling != "auto" else ()):
        if type(module).__name__ == "Pooling":
            model[number] = type(module)(module.embedding_dimension, settings.pooling)
    return model.eval()
