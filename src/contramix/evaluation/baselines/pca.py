"""Compare with probes on principal components of the raw features."""

import numpy as np
from jaxtyping import Float32
from numpy import ndarray
from sklearn.decomposition import PCA

from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs
from contramix.evaluation.candidates import Candidate, probe_candidates
from contramix.evaluation.features import untrained_encoder
from contramix.evaluation.problem import PredictionProblem
from contramix.predictors.feature_rows import FeatureScale


def pca(raw: Float32[ndarray, " n d"], train: ndarray, width: int) -> Float32[ndarray, " n k"]:
    """Return the leading principal components of all rows, fitted on the standardized training rows.

    Parameters
    ----------
    raw
        Raw features of all rows.
    train
        Row numbers of the training rows.
    width
        Maximum number of components; there are fewer if there are fewer training rows or features.
    """
    scale = FeatureScale.learn(raw, train)
    fitted, all_rows = scale.rows(train)[:], scale.rows(np.arange(len(raw)))[:]
    return np.asarray(PCA(min(width, *fitted.shape), random_state=0).fit(fitted).transform(all_rows), np.float32)


def make_pca(inputs: BaselineInputs) -> list[Candidate]:
    """Build one baseline candidate for each probe on principal components of the raw features.

    There are as many components as the encoder has outputs. They are fitted on the training rows of each split.
    """
    raw, width = inputs.raw, untrained_encoder(inputs.recipe, inputs.data.spec, 0).width
    components: dict[int, Float32[ndarray, " n d"]] = {}

    def features(problem: PredictionProblem) -> Float32[ndarray, " n d"]:
        if problem.split not in components:  # learned from all training rows of the split, labeled or not
            train = np.setdiff1d(np.arange(len(raw)), problem.test)
            components[problem.split] = pca(raw, train, width)
        return components[problem.split]

    return probe_candidates("pca", "baseline", features, inputs.probes)


PCA_BASELINE = Baseline(
    "pca", "their leading principal components, as many as the encoder is wide", "principal components", make_pca
)
