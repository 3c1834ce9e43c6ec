"""From any module of the user's to an encoder."""

import torch
from torch import Tensor, nn

from contramix.encoders.encoder import Encoder, Inputs
from contramix.errors import InputError


def wrap(module: nn.Module, inputs: Inputs) -> Encoder:
    """Make an encoder of any module: of a Sequential's children, named as there; else one stage, ``module``.

    Raises
    ------
    InputError
        If it does not turn a batch of the inputs into one vector a sample.
    """
    if isinstance(module, Encoder):
        return module
    # A Sequential with a forward of its own is one stage. Not named_children: it leaves out a child's second use.
    sequential = isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward
    children = module._modules.items() if sequential else ()
    stages = {_stage_name(n): m for n, m in children if m is not None}
    encoder = Encoder(stages or {"module": module}, 0)
    parameter = next(module.parameters(), torch.zeros(()))
    was_training = module.training
    try:
        with torch.no_grad():
            out = torch.zeros(2, *inputs.shape, device=parameter.device)
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


def _stage_name(name: str) -> str:
    """A child's own name, unless it is a number, a cut's, or one that torch's containers use themselves."""
    free = not name.isdigit() and name not in ("input", "output") and not hasattr(nn.ModuleDict, name)
    return name if free else f"stage{name}"
