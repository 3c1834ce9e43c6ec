"""Save and load checkpoints without pickle. Each is one safetensors file with a checksum in its name.

A checkpoint holds weights, buffers, queue, momentum network, optimizer state and the number of the step. Everything
else that a run needs follows from its recipe, seed and step.
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

CHECKPOINTS_TO_KEEP = 2
"""Number of checkpoints that a run keeps. If the newest is damaged, the run is resumed from the previous one."""
METADATA = {"step", "fingerprint", "groups", "plain", "threads", "torch", "device", "processes"}
"""Names of the values in a checkpoint's metadata."""
REPAIR_HINT = "copy it again, or delete it and run the command that made it again"
"""Advice at the end of error messages about damaged files."""


def unique_state(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield the name and tensor of each weight and buffer of a module. Shared tensors are yielded only once."""
    seen: set[int] = set()
    for name, tensor in module.state_dict(keep_vars=True).items():
        if id(tensor) not in seen:
            seen.add(id(tensor))
            yield name, tensor


def to_bytes(tensors: dict[str, Tensor], metadata: dict[str, Any]) -> bytes:
    """Serialize tensors and metadata in the safetensors format. Equal arguments give equal bytes.

    Parameters
    ----------
    tensors
        Tensors by name.
    metadata
        Further values by name, which JSON must be able to represent.
    """
    plain = {name: tensors[name].detach().cpu().contiguous().clone() for name in sorted(tensors)}
    return save_tensors(plain, {"contramix": json.dumps(metadata, sort_keys=True)})


def from_bytes(data: bytes, path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Deserialize the bytes that :func:`to_bytes` returned; return tensors by name, and the metadata.

    Parameters
    ----------
    data
        Content of a safetensors file.
    path
        Path of the file, for error messages.

    Raises
    ------
    InputError
        If the file is damaged or incomplete.
    """
    try:
        tensors = load_tensors(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        metadata = json.loads(header.get("__metadata__", {}).get("contramix", "{}"))
    except (SafetensorError, ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a whole safetensors file ({error}); {REPAIR_HINT}") from error
    return tensors, metadata


def load_tensors_into(module: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    """Copy tensors into the weights and buffers of a module, by name.

    Parameters
    ----------
    module
        Module whose weights and buffers are overwritten.
    tensors
        Tensors with the names and shapes of the module's weights and buffers.
    path
        File that the tensors come from, for error messages.

    Raises
    ------
    InputError
        If names or shapes differ, or a weight is not finite.
    """
    own = dict(unique_state(module))
    if own.keys() != tensors.keys():
        differ = sorted(own.keys() ^ tensors.keys())
        raise InputError(f"{path}: made for another architecture; differing weights: {', '.join(differ[:5])}")
    with torch.no_grad():
        for name, tensor in own.items():
            if tensors[name].shape != tensor.shape:
                raise InputError(
                    f"{path}: made for another architecture; {name} has shape {tuple(tensors[name].shape)}, "
                    f"and here {tuple(tensor.shape)}"
                )
            if tensor.is_floating_point() and not bool(tensors[name].isfinite().all()):
                raise InputError(f"{path}: the weights {name} are not finite")
            tensor.copy_(tensors[name])


def save(folder: Path, state: State, fingerprint: str) -> Path:
    """Write a checkpoint, delete all but the newest :data:`CHECKPOINTS_TO_KEEP`, and return the new file's path.

    Parameters
    ----------
    folder
        Folder of the checkpoints.
    state
        Networks, optimizer and number of steps taken.
    fingerprint
        Hash of the training samples. A run can only be resumed on the same data.

    Raises
    ------
    RunError
        If the disk is full. Earlier checkpoints stay.
    """
    data = pack(state, fingerprint)
    name = f"step-{state.step:010d}-{hashlib.sha256(data).hexdigest()[:16]}.safetensors"
    folder.mkdir(exist_ok=True)
    atomic_files.write(folder / name, data)
    for old in _files(folder)[CHECKPOINTS_TO_KEEP:]:
        old.unlink()
    return folder / name


def pack(state: State, fingerprint: str) -> bytes:
    """Serialize the networks, optimizer and step of a run, and the fingerprint (hash) of its training samples."""
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
    """Load the newest intact checkpoint of a folder into a newly built state. Skip damaged ones with a warning.

    Parameters
    ----------
    folder
        Folder of the checkpoints.
    state
        Networks and optimizer of the same recipe, which are overwritten.
    fingerprint
        Hash of the training samples. It must equal that in the checkpoint.

    Returns
    -------
    bool
        Whether there was a checkpoint.

    Raises
    ------
    InputError
        If all checkpoints are damaged, or they were made from other data.
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
    """Signal that a checkpoint is damaged, and that an earlier one may be tried."""


def _files(folder: Path) -> list[Path]:
    """Return the checkpoint files of a folder, newest first. They are sorted by step, because clocks may be wrong."""
    return sorted(folder.glob("step-*.safetensors"), reverse=True)


def _restore(path: Path, state: State, fingerprint: str) -> None:
    """Load a checkpoint file into a state, and check that it was made from the data with the given fingerprint (hash).

    A warning is issued if torch's version, the number of threads or processes, or the device differs from those of the
    run that wrote the file.

    Raises
    ------
    _BrokenCheckpointError
        If the file is damaged.
    InputError
        If it was made from other data, or for another network.
    """
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
    """Load the bytes that :func:`pack` returned into a newly built state; return the metadata of the checkpoint.

    Parameters
    ----------
    data
        Content of a checkpoint.
    state
        Networks and optimizer built from the same recipe, which are overwritten.
    fingerprint
        Hash of the present training samples.
    path
        Path of the checkpoint, for error messages.

    Raises
    ------
    InputError
        If the checkpoint was made from other data, or for another network.
    """
    tensors, metadata = from_bytes(data, path)
    metadata.setdefault("processes", 1)
    if metadata.keys() != METADATA:
        raise _BrokenCheckpointError(f"{path}: not a checkpoint of a run")
    if metadata["fingerprint"] != fingerprint:
        raise InputError(f"{path}: made from other data than is given now; use another folder for other data")
    weights = {n.removeprefix("objective."): t for n, t in tensors.items() if n.startswith("objective.")}
    load_tensors_into(state.objective, weights, path)
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
