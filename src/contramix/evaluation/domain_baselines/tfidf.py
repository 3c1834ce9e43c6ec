"""TF-IDF and a linear model: what is tried first on texts."""

from collections.abc import Callable

import numpy as np
from numpy import ndarray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

from contramix.errors import InputError
from contramix.evaluation.domain_baselines.predictor import Whole
from contramix.evaluation.domain_baselines.sparse_linear import linear_on
from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.io.records import is_text

PIECES = r"\w+|[^\w\s]+"
"""Words of any length, and what stands between them: a question mark says much."""


def tfidf(whole: Whole) -> Callable[[PredictionProblem], Predictions]:
    """Words and pairs of neighbouring ones, 1 + log of their counts, weighed by how rare they are in the training rows.

    Raises
    ------
    InputError
        The records are no texts.
    """
    if whole.content is None or not is_text(whole.content.type):
        raise InputError("the baseline 'tfidf' is for texts")
    texts = np.array([text or "" for text in whole.content.to_pylist()], dtype=object)

    def features(train: ndarray) -> csr_matrix:
        vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=PIECES, dtype=np.float32)
        try:
            return vectors.fit(texts[train]).transform(texts)
        except ValueError:  # the training rows hold no word at all
            return csr_matrix((len(texts), 1), dtype=np.float32)

    return linear_on(features)
