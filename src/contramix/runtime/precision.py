"""Choose the precision of matrix products and convolutions: bfloat16 where the hardware supports it.

Weights, optimizer states, noise, mixing at the input, and losses are always float32.
"""

from typing import Literal

import torch
from torch import Tensor, nn

Precision = Literal["auto", "float32", "bfloat16"]

MIN_BFLOAT16_WEIGHTS = 2**18
"""Smallest number of weights for which ``"auto"`` uses bfloat16. In smaller networks, conversions cost as much time as
faster products save."""


def in_bfloat16(precision: Precision, module: nn.Module, device: torch.device) -> bool:
    """Decide whether a module computes its matrix products and convolutions in bfloat16.

    Parameters
    ----------
    precision
        ``"float32"``, ``"bfloat16"``, or ``"auto"``: bfloat16 if the device supports it natively and the module is
        large enough to become faster.
    module
        Module whose trainable weights are counted.
    device
        Device of the computation.
    """
    if precision == "auto":
        return (
            has_bfloat16(device)
            and sum(p.numel() for p in module.parameters() if p.requires_grad) >= MIN_BFLOAT16_WEIGHTS
        )
    return precision == "bfloat16"


def has_bfloat16(device: torch.device) -> bool:
    """Return whether the hardware of a device multiplies bfloat16 numbers natively."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    # torch has no public function for this. If a version of torch lacks these, bfloat16 is not used.
    known = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(bool(supported()) for supported in known if supported is not None)


def at_least_float32(x: Tensor) -> Tensor:
    """Convert a bfloat16 or float16 tensor to float32; return tensors of other types unchanged.

    This is used before sums, comparisons and mixing, for which 16 bits are too imprecise.
    """
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
