"""Compute input features for models that do not use an encoder."""

import numpy as np
import torch
from jaxtyping import Float32
from numpy import ndarray

from contramix.domains import Spec
from contramix.samples.samples import Samples, sequential_batches
from contramix.types import get_values

MAX_ONE_HOT = 1000
"""Maximum number of one-hot columns for each categorical column; more categories share columns (number modulo this
limit)."""


def raw_features(spec: Spec, x: Samples) -> Float32[ndarray, " n d"]:
    """Return input features for models that do not use an encoder, as an array of shape (samples, features).

    Some data domains define such features (``spec.features``). For the others, the encoder's inputs are flattened, and
    categories are one-hot encoded.
    """
    own = spec.features(x)
    if own is not None:
        return own
    codes, front = dict(spec.inputs().codes), spec.frontend()
    inputs = torch.cat([get_values(front(batch)).flatten(1) for batch in sequential_batches(x)])
    columns = [inputs.numpy()[:, [i for i in range(inputs.shape[1]) if i not in codes]]] if codes else [inputs.numpy()]
    for element, levels in codes.items():
        code = inputs[:, element].long() % MAX_ONE_HOT
        columns.append(torch.nn.functional.one_hot(code, min(levels, MAX_ONE_HOT)).float().numpy())
    return np.concatenate(columns, 1)
