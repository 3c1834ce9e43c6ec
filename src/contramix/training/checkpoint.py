"""Checkpoints without pickle: one safetensors file a checkpoint, its own checksum in its name.

A checkpoint holds the weights, buffers, queue and momentum network, the optimiser's state, and the step: all else
that a run needs is a function of its recipe, seed and step.
"""

import hashlib
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from contramix.errors import ContramixWarning, InputError
from contramix.runtime import atomic_files, distributed
from contramix.training.loop import State

KEEP = 2
METADATA = {"step", "fingerprint", "groups", "plain", "threads", "torch", "device", "processes"}
MEND = "copy it again, or delete it and run the command that made it again"


def unique_state(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Weights and buffers by name, each once, however often a module is shared."""
    seen: set[int] = set()
    for name, tensor in module.state_dict(keep_vars=True).items():
        if id(tensor) not in seen:
            seen.add(id(tensor))
            yield name, tensor


def to_bytes(tensors: dict[str, Tensor], metadata: dict[str, Any]) -> bytes:
    """Tensors and plain values as one safetensors file; the same ones always give the same bytes."""
    plain = {name: tensors[name].detach().cpu().contiguous().clone() for name in sorted(tensors)}
    return save_tensors(plain, {"contramix": json.dumps(metadata, sort_keys=True)})


def from_bytes(data: bytes, path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What :func:`to_bytes` was given.

    Raises
    ------
    InputError
        If the file is not whole.
    """
    try:
        tensors = load_tensors(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        metadata = json.loads(header.get("__metadata__", {}).get("contramix", "{}"))
    except (SafetensorError, ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a whole safetensors file ({error}); {MEND}") from error
    return tensors, metadata


def fill(module: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    """Copy tensors into a module of the same names and shapes.

    Raises
    ------
    InputError
        If names or shapes differ, or a weight is not finite.
    """
    mine = dict(unique_state(module))
    if mine.keys() != tensors.keys():
        differ = sorted(mine.keys() ^ tensors.keys())
        raise InputError(f"{path}: made for another architecture; differing weights: {', '.join(differ[:5])}")
    with torch.no_grad():
        for name, tensor in mine.items():
            if tensors[name].shape != tensor.shape:
                raise InputError(
                    f"{path}: made for another architecture; {name} has shape {tuple(tensors[name].shape)}, "
                    f"and here {tuple(tensor.shape)}"
                )
            if tensor.is_floating_point() and not bool(tensors[name].isfinite().all()):
                raise InputError(f"{path}: the weights {name} are not finite")
            tensor.copy_(tensors[name])


def save(folder: Path, state: State, fingerprint: str) -> Path:
    """Write a checkpoint; the last two are kept.

    Raises
    ------
    RunError
        If there is no space; the earlier checkpoints stay.
    """
    data = packed(state, fingerprint)
    name = f"step-{state.step:010d}-{hashlib.sha256(data).hexdigest()[:16]}.safetensors"
    folder.mkdir(exist_ok=True)
    atomic_files.write(folder / name, data)
    for old in _files(folder)[KEEP:]:
        old.unlink()
    return folder / name


def packed(state: State, fingerprint: str) -> bytes:
    """All that a run must know to go on."""
    tensors = {f"objective.{name}": tensor for name, tensor in unique_state(state.objective)}
    optimizer = state.optimizer.state_dict()
    plain: dict[str, dict[str, Any]] = {}
    for number, entries in optimizer["state"].items():
        for name, value in entries.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{number}.{name}"] = value
            else:
                plain.setdefault(str(number), {})[name] = value
    metadata = {
        "step": state.step,
        "fingerprint": fingerprint,
        "groups": optimizer["param_groups"],
        "plain": plain,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "device": _device(state),
        "processes": distributed.world_size(),
    }
    return to_bytes(tensors, metadata)


def resume(folder: Path, state: State, fingerprint: str) -> bool:
    """Bring a fresh state to the newest whole checkpoint; a broken one is passed over with a warning.

    Returns whether there was one.

    Raises
    ------
    InputError
        If there are checkpoints and none is whole, or they were made from other data.
    """
    atomic_files.remove_leftovers(folder)
    files = _files(folder)
    problems = []
    for path in files:
        try:
            _restore(path, state, fingerprint)
        except _BrokenCheckpointError as error:
            problems.append(str(error))
            continue
        for problem in problems:
            warnings.warn(f"{problem}; going on from step {state.step} instead", ContramixWarning, stacklevel=2)
        return True
    if files:
        raise InputError(f"{problems[0]}, and no earlier checkpoint is whole; start anew in another folder")
    return False


class _BrokenCheckpointError(InputError):
    pass


def _files(folder: Path) -> list[Path]:
    """Checkpoints, newest first by their step, whatever the clock said."""
    return sorted(folder.glob("step-*.safetensors"), reverse=True)


def _restore(path: Path, state: State, fingerprint: str) -> None:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _BrokenCheckpointError(f"{path}: cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest()[:16] != path.stem.rsplit("-", 1)[-1]:
        raise _BrokenCheckpointError(f"{path}: damaged or cut short (its checksum does not match)")
    metadata = unpack(data, state, fingerprint, path)
    here = {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "device": _device(state),
        "processes": distributed.world_size(),
    }
    differ = [f"{name} {metadata[name]} (now {value})" for name, value in here.items() if metadata[name] != value]
    if differ:
        what = "what it draws" if metadata["processes"] != here["processes"] else "its last digits"
        warnings.warn(
            f"the run was begun with {', '.join(differ)}: {what} may differ from an uninterrupted run's",
            ContramixWarning,
            stacklevel=3,
        )


def unpack(data: bytes, state: State, fingerprint: str, path: Path) -> dict[str, Any]:
    """Bring a fresh state to where :func:`packed` found one; gives what is known of the process that packed it.

    Raises
    ------
    InputError
        If it was made from other data, or for another network.
    """
    tensors, metadata = from_bytes(data, path)
    metadata.setdefault("processes", 1)
    if metadata.keys() != METADATA:
        raise _BrokenCheckpointError(f"{path}: not a checkpoint of a run")
    if metadata["fingerprint"] != fingerprint:
        raise InputError(f"{path}: made from other data than is given now; use another folder for other data")
    mine = {n.removeprefix("objective."): t for n, t in tensors.items() if n.startswith("objective.")}
    fill(state.objective, mine, path)
    entries: dict[int, dict[str, Any]] = {int(n): dict(values) for n, values in metadata["plain"].items()}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, number, key = name.split(".", 2)
            entries.setdefault(int(number), {})[key] = tensor
    state.optimizer.load_state_dict({"state": entries, "param_groups": metadata["groups"]})
    state.step = metadata["step"]
    return metadata


def _device(state: State) -> str:
    return next(state.objective.parameters()).device.type
