"""In what numbers the networks' products are computed: bfloat16 where the processor multiplies it natively.

Weights, optimiser, noise, mixing at the input, and losses stay in float32 whatever is chosen.
"""

from typing import Literal

import torch
from torch import Tensor, nn

Precision = Literal["auto", "float32", "bfloat16"]

WORTH_IT = 2**18
"""Weights from which on ``auto`` takes bfloat16: in smaller networks converting costs what multiplying saves."""


def in_bfloat16(precision: Precision, module: nn.Module, device: torch.device) -> bool:
    """Whether a module's products are computed in bfloat16 on a device."""
    if precision == "auto":
        return has_bfloat16(device) and sum(p.numel() for p in module.parameters() if p.requires_grad) >= WORTH_IT
    return precision == "bfloat16"


def has_bfloat16(device: torch.device) -> bool:
    """Whether the processor multiplies bfloat16 natively."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    # Before it has a public name for it, torch's own; a torch without them counts as a processor without it.
    known = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(bool(supported()) for supported in known if supported is not None)


def at_least_float32(x: Tensor) -> Tensor:
    """The same numbers in float32 at least: where they are summed, compared or mixed."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
