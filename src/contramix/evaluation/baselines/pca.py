"""Compare with probes on principal components of the raw features, or of the pixels of images."""

from functools import partial

import numpy as np
from jaxtyping import Float32
from numpy import ndarray
from sklearn.decomposition import PCA

from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs
from contramix.evaluation.candidates import Candidate, probe_candidate
from contramix.evaluation.features import once_per_split, untrained_encoder
from contramix.evaluation.probes import PROBES, Probe
from contramix.evaluation.probes.linear import linear
from contramix.predictors.feature_rows import FeatureScale

PIXEL_COMPONENTS = 256
"""Maximum number of principal components of pixels."""


def pca(
    raw: Float32[ndarray, " n d"], train: ndarray, width: int, standardize: bool = True
) -> Float32[ndarray, " n k"]:
    """Return the leading principal components of all rows, fitted on the training rows.

    Parameters
    ----------
    raw
        Raw features of all rows.
    train
        Row numbers of the training rows.
    width
        Maximum number of components; there are fewer if there are fewer training rows or features.
    standardize
        Whether each feature is standardized first with the statistics of the training rows. If not, it is only
        centered.
    """
    fitted, all_rows = raw[train], raw
    if standardize:
        scale = FeatureScale.learn(raw, train)
        fitted, all_rows = scale.rows(train)[:], scale.rows(np.arange(len(raw)))[:]
    return np.asarray(PCA(min(width, *fitted.shape), random_state=0).fit(fitted).transform(all_rows), np.float32)


def make_pca(inputs: BaselineInputs) -> list[Candidate]:
    """Build one baseline candidate for each probe on principal components of the raw features.

    There are as many components as the encoder has outputs. The linear probe divides all of them by one number:
    standardized components would give the last one, which is mostly noise, as much weight as the first.
    """
    width = untrained_encoder(inputs.recipe, inputs.data.spec, 0).width
    features = once_per_split(partial(pca, inputs.raw, width=width))
    with_one_scale: Probe = partial(linear, one_scale=True)
    probes = PROBES | {"linear": with_one_scale}
    return [
        probe_candidate("pca", "baseline", features, name, probes[name], name != "knn")
        for name in inputs.probes
        if name in probes
    ]


def make_pixels(inputs: BaselineInputs) -> list[Candidate]:
    """Build the baseline candidate that fits a linear model on at most 256 principal components of the pixels."""
    features = once_per_split(partial(pca, inputs.raw, width=PIXEL_COMPONENTS, standardize=False))
    return [probe_candidate("pixels", "baseline", features, "pixels", partial(linear, one_scale=True))]


PCA_BASELINE = Baseline(
    "pca", "their leading principal components, as many as the encoder is wide", "principal components", make_pca
)
PIXELS = Baseline(
    "pixels",
    "principal components of the pixels, and a linear model",
    "principal components of the pixels and a linear model",
    make_pixels,
    uses_probe=False,
    domains=("image",),
)
