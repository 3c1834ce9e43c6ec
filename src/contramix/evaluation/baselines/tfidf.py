"""Compare with a linear model on TF-IDF features, the usual first model of texts."""

from collections.abc import Callable

import numpy as np
from numpy import ndarray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

from contramix.errors import InputError
from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs, EvaluationRecords
from contramix.evaluation.baselines.sparse_linear import linear_on
from contramix.evaluation.candidates import Candidate
from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.io.records import is_text

TOKENS = r"\w+|[^\w\s]+"
"""Regular expression of a token: a word of any length, or punctuation, which carries meaning too (a question mark)."""


def tfidf(records: EvaluationRecords) -> Callable[[PredictionProblem], Predictions]:
    """Return a linear model on TF-IDF features of words and pairs of adjacent words.

    Counts are sublinear (1 + log of the count), and inverse document frequencies come from the training rows.

    Raises
    ------
    InputError
        If the records are not texts.
    """
    if records.content is None or not is_text(records.content.type):
        raise InputError("the baseline 'tfidf' is for texts")
    texts = np.array([text or "" for text in records.content.to_pylist()], dtype=object)

    def features(train: ndarray) -> csr_matrix:
        vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=TOKENS, dtype=np.float32)
        try:
            return vectors.fit(texts[train]).transform(texts)
        except ValueError:  # the training rows contain no word at all
            return csr_matrix((len(texts), 1), dtype=np.float32)

    return linear_on(features)


def make_tfidf(inputs: BaselineInputs) -> list[Candidate]:
    """Return a linear model on TF-IDF features of the texts."""
    return [Candidate("tfidf", "baseline", "tfidf", tfidf(inputs.records))]


TFIDF = Baseline(
    "tfidf",
    "TF-IDF of words and pairs of words, and a linear model",
    "TF-IDF of words and a linear model",
    make_tfidf,
)
