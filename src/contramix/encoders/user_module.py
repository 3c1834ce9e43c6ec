"""From any module of the user's to an encoder."""

import inspect

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from contramix.encoders.encoder import Encoder, Inputs
from contramix.encoders.user_graph_module import wrap_graphs
from contramix.errors import InputError
from contramix.samples.padded_sequences import PaddedSequences
from contramix.types import Activations, values_of


def wrap(module: nn.Module, inputs: Inputs) -> Encoder:
    """Make an encoder of any module: of a Sequential's children, named as there; else one stage, ``module``.

    Of series it is given (batch, channels, steps), with zeros behind the end of shorter ones, and ``mask`` (batch,
    steps) if it takes one; where lengths differ it is one stage, and its output is mixed unless told otherwise. Of
    texts it is given tokens (batch, length), 0 for padding, and ``mask`` or ``attention_mask`` if it takes one; it is
    one stage, and only its output can be mixed.

    Of graphs see :func:`contramix.encoders.user_graph_module.wrap_graphs`.

    Raises
    ------
    InputError
        If it does not turn a batch of the inputs into one vector a sample.
    """
    if isinstance(module, Encoder):
        return module
    if inputs.kind == "graphs":
        return wrap_graphs(module, inputs)
    # A Sequential with a forward of its own is one stage. Not named_children: it leaves out a child's second use.
    sequential = isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward
    children = module._modules.items() if sequential else ()
    stages = {_stage_name(n): m for n, m in children if m is not None}
    if inputs.kind == "steps":
        stages = {"padded": Padded(), **stages} if stages and not inputs.varying else {"module": OnSteps(module)}
    if inputs.kind == "tokens":
        stages = {"module": OnTokens(module)}
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
        raise InputError(f"the encoder must give one vector a sample, not {type(out).__name__}")
    if out.dim() != 2 or len(out) != 2:
        raise InputError(f"the encoder must give one vector a sample; for 2 samples it gives {tuple(out.shape)}")
    encoder.width = out.shape[1]
    return encoder.train(was_training)


def _two_samples(inputs: Inputs, device: torch.device) -> Activations:
    """Two samples of zeros, of tokens of ones, which are no padding."""
    if inputs.kind == "tokens":
        return torch.ones(2, *inputs.shape, dtype=torch.long, device=device)
    zeros = torch.zeros(2, *inputs.shape, device=device)
    return PaddedSequences(zeros, zeros.new_ones(2, inputs.shape[1]), axis=2) if inputs.varying else zeros


def _stage_name(name: str) -> str:
    """A child's own name, unless it is a number, a cut's, or one that torch's containers use themselves."""
    free = not name.isdigit() and name not in ("input", "output") and not hasattr(nn.ModuleDict, name)
    return name if free else f"stage{name}"


class Padded(nn.Module):
    """Masked steps as a tensor; a tensor as it is."""

    def forward(self, x: Activations) -> Float[Tensor, " B C T"]:
        """(B, C, T) to the same shape."""
        return values_of(x)


class OnSteps(nn.Module):
    """A module that is called with a padded tensor, and with ``mask``, true where a step is there, if it takes one."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.masks = "mask" in inspect.signature(module.forward).parameters

    def forward(self, x: Activations) -> Tensor:
        """(B, C, T) to what the module makes of it."""
        values = values_of(x)
        if not self.masks:
            return self.module(values)  # type: ignore[no-any-return]
        there = (
            x.presence > 0 if isinstance(x, PaddedSequences) else values.new_ones(values.shape[::2], dtype=torch.bool)
        )
        return self.module(values, mask=there)  # type: ignore[no-any-return]


MASKS = ("mask", "attention_mask")
"""What an argument for the mask is called."""


class OnTokens(nn.Module):
    """A module that is called with tokens (int64, 0 for padding), and with a mask, true where one is, if it takes one.

    It is given texts at their full padded length.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        taken = inspect.signature(module.forward).parameters
        self.mask = next((name for name in MASKS if name in taken), None)

    def forward(self, ids: Int[Tensor, " B L"]) -> Tensor:
        """(B, L) to what the module makes of it."""
        masks = {} if self.mask is None else {self.mask: ids != 0}
        return self.module(ids.long(), **masks)  # type: ignore[no-any-return]
