"""Wrap a user's torch module as an encoder."""

import inspect

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from contramix.encoders.encoder import Encoder, Inputs
from contramix.encoders.user_graph_module import wrap_graphs
from contramix.errors import InputError
from contramix.samples.padded_sequences import PaddedSequences
from contramix.types import Activations, get_values


def wrap(module: nn.Module, inputs: Inputs) -> Encoder:
    """Wrap a user's torch module as an encoder for the given inputs.

    The children of an ``nn.Sequential`` become stages, between which samples can be mixed. Any other module is one
    stage named ``module``. An :class:`Encoder` is returned unchanged.

    For series the module gets a tensor (batch, channels, steps), zero-padded, and ``mask`` (batch, steps) if its
    forward takes one. If lengths vary, the module is a single stage, and by default its output is mixed. For texts the
    module gets token ids (batch, length), 0 for padding, and ``mask`` or ``attention_mask`` if its forward takes one;
    it is a single stage, and only its output can be mixed. For graphs see
    :func:`contramix.encoders.user_graph_module.wrap_graphs`.

    Raises
    ------
    InputError
        If the module does not map a batch of inputs to one vector per sample.
    """
    if isinstance(module, Encoder):
        return module
    if inputs.kind == "graphs":
        return wrap_graphs(module, inputs)
    # A Sequential that overrides forward is one stage. named_children would skip the second use of a shared child.
    sequential = isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward
    children = module._modules.items() if sequential else ()
    stages = {_stage_name(n): m for n, m in children if m is not None}
    if inputs.kind == "steps":
        stages = (
            {"padded": PaddedValues(), **stages} if stages and not inputs.varying else {"module": SeriesModule(module)}
        )
    if inputs.kind == "tokens":
        stages = {"module": TokenModule(module)}
    first = "output" if inputs.kind == "tokens" else "input"
    encoder = Encoder(stages or {"module": module}, 0, first=first, auto="output" if inputs.varying else None)
    parameter = next(module.parameters(), torch.zeros(()))
    was_training = module.training
    try:
        with torch.no_grad():
            out = _two_samples(inputs, parameter.device)
            for stage in encoder.eval().stages.values():
                out = stage(out)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"the encoder does not take inputs of shape {inputs.shape}: {reason}") from error
    if not isinstance(out, Tensor):
        raise InputError(f"the encoder must return one vector per sample, not {type(out).__name__}")
    if out.dim() != 2 or len(out) != 2:
        raise InputError(f"the encoder must return one vector per sample; for 2 samples it returns {tuple(out.shape)}")
    encoder.width = out.shape[1]
    return encoder.train(was_training)


def _two_samples(inputs: Inputs, device: torch.device) -> Activations:
    """Return a batch of two samples to try a module with: zeros, or ones for tokens, because token 0 is padding."""
    if inputs.kind == "tokens":
        return torch.ones(2, *inputs.shape, dtype=torch.long, device=device)
    zeros = torch.zeros(2, *inputs.shape, device=device)
    return PaddedSequences(zeros, zeros.new_ones(2, inputs.shape[1]), axis=2) if inputs.varying else zeros


def _stage_name(name: str) -> str:
    """Return the stage name for a child module of a Sequential: its name, with the prefix ``stage`` where needed.

    The prefix is added to numbers (``"stage0"``), to ``"input"`` and ``"output"``, which name cuts, and to names that
    ``nn.ModuleDict`` has as attributes.
    """
    free = not name.isdigit() and name not in ("input", "output") and not hasattr(nn.ModuleDict, name)
    return name if free else f"stage{name}"


class PaddedValues(nn.Module):
    """Convert padded sequences to a zero-padded tensor; leave tensors unchanged."""

    def forward(self, x: Activations) -> Float[Tensor, " B C T"]:
        """Return the series as a tensor of shape (batch, channels, time steps)."""
        return get_values(x)


class SeriesModule(nn.Module):
    """Call a user's module with zero-padded series and, if its ``forward`` has an argument ``mask``, the padding mask.

    The mask has shape (batch, time steps) and is True at observed steps.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.masks = "mask" in inspect.signature(module.forward).parameters

    def forward(self, x: Activations) -> Tensor:
        """Apply the user's module to series of shape (batch, channels, time steps)."""
        values = get_values(x)
        if not self.masks:
            return self.module(values)  # type: ignore[no-any-return]
        there = (
            x.presence > 0 if isinstance(x, PaddedSequences) else values.new_ones(values.shape[::2], dtype=torch.bool)
        )
        return self.module(values, mask=there)  # type: ignore[no-any-return]


MASKS = ("mask", "attention_mask")
"""Accepted names of the argument that passes the padding mask."""


class TokenModule(nn.Module):
    """Call a user's module with token ids (int64, 0 for padding), and with a padding mask if it takes one.

    The mask is passed as ``mask`` or ``attention_mask``, whichever argument the module's ``forward`` has. It is True at
    tokens and False in padding. Batches are not trimmed to their longest text.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        taken = inspect.signature(module.forward).parameters
        self.mask = next((name for name in MASKS if name in taken), None)

    def forward(self, ids: Int[Tensor, " B L"]) -> Tensor:
        """Apply the user's module to token ids of shape (batch, length)."""
        masks = {} if self.mask is None else {self.mask: ids != 0}
        return self.module(ids.long(), **masks)  # type: ignore[no-any-return]
