"""Compute vectors of texts or images with an ONNX file."""

from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Int64
from numpy import ndarray

from contramix.backbones.backbone import hash_files
from contramix.backbones.images import ImageModule
from contramix.backbones.settings import BackboneSettings
from contramix.errors import InputError, first_line

MAX_LENGTH = 512
"""Maximum number of tokens of a text, if the settings state none."""


class OnnxTexts:
    """Compute vectors of texts with an ONNX file, and the tokenizer in the file ``tokenizer.json`` in its folder.

    Vectors of tokens are averaged, or that of the first token is taken with ``pooling = "cls"``.

    Raises
    ------
    InputError
        If onnxruntime is not installed, or the file or the tokenizer cannot be loaded.
    """

    image_size: int | None = None

    def __init__(self, settings: BackboneSettings) -> None:
        path = Path(settings.name)
        self._session = open_session(path)
        folder = next((p for p in (path.parent, path.parent.parent) if (p / "tokenizer.json").is_file()), None)
        if folder is None:
            raise InputError(f"`backbone` {path}: there is no tokenizer.json in its folder")
        self._tokenizer = import_module("tokenizers").Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(settings.max_length or MAX_LENGTH)
        self._tokenizer.enable_padding()
        self._names = {each.name for each in self._session.get_inputs()}
        self._pooling, self._prompt = settings.pooling, settings.prompt
        self.library = f"onnxruntime {version('onnxruntime')}"
        self.weights_sha256 = hash_files([path, folder / "tokenizer.json"], folder)
        self.width = self.encode(["a"]).shape[1]

    def encode(self, values: Sequence[str]) -> Float32[ndarray, " n d"]:
        """Return one vector for each text."""
        encoded = self._tokenizer.encode_batch([self._prompt + text for text in values])
        mask: Int64[ndarray, " n t"] = np.array([each.attention_mask for each in encoded], np.int64)
        given = {
            "input_ids": np.array([each.ids for each in encoded], np.int64),
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(mask),
        }
        out = self._session.run(None, {name: value for name, value in given.items() if name in self._names})[0]
        if out.ndim == 3:
            weight = mask[:, :, None] if self._pooling != "cls" else (np.arange(out.shape[1]) == 0)[None, :, None]
            out = (out * weight).sum(1) / weight.sum(1)
        return np.ascontiguousarray(out, np.float32)


def open_images(settings: BackboneSettings) -> ImageModule:
    """Load an ONNX file that maps images, as an array (n, 3, height, width) of normalized pixels, to vectors.

    Raises
    ------
    InputError
        If onnxruntime is not installed, or the file cannot be loaded.
    """
    path = Path(settings.name)
    session = open_session(path)
    name, shape = session.get_inputs()[0].name, session.get_inputs()[0].shape
    size = shape[-1] if len(shape) == 4 and isinstance(shape[-1], int) else None

    def run(x: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(session.run(None, {name: x.numpy()})[0])

    settings = settings.model_copy(update={"size": settings.size or size})
    return ImageModule(run, settings, hash_files([path], path.parent), f"onnxruntime {version('onnxruntime')}")


def open_session(path: Path) -> Any:
    """Open an ONNX file with onnxruntime on the CPU.

    Raises
    ------
    InputError
        If onnxruntime is not installed, or the file cannot be loaded.
    """
    try:
        library = import_module("onnxruntime")
    except ImportError as error:
        raise InputError(
            f"`backbone` {path}: ONNX files need onnxruntime (pip install 'contramix[onnx]'): {error}"
        ) from error
    if not path.is_file():
        raise InputError(f"`backbone` {path}: there is no such file")
    options = library.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        return library.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise InputError(
            f"`backbone` {path}: is no ONNX file that onnxruntime can load: {first_line(error, 160)}"
        ) from error
