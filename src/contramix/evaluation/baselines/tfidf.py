"""Compare with a linear model on TF-IDF features, a common baseline for texts."""

from collections.abc import Callable

import numpy as np
from numpy import ndarray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

from contramix.errors import InputError
from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs, EvaluationRecords
from contramix.evaluation.baselines.sklearn_models import sparse_linear_predictor
from contramix.evaluation.candidates import Candidate
from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.io.records import is_text

TOKENS = r"\w+|[^\w\s]+"
"""Regular expression for a token: a word of any length, or punctuation, which can carry meaning (such as a question
mark)."""


def tfidf(records: EvaluationRecords) -> Callable[[PredictionProblem], Predictions]:
    """Return a function that fits a linear model on TF-IDF features of texts and predicts test rows.

    The features count words and pairs of adjacent words, with sublinear counts (1 + log of the count). Vocabulary and
    inverse document frequencies are fitted on the training rows.

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

    return sparse_linear_predictor(features)


def make_tfidf(inputs: BaselineInputs) -> list[Candidate]:
    """Build the baseline candidate that fits a linear model on TF-IDF features of the texts."""
    return [Candidate("tfidf", "baseline", "tfidf", tfidf(inputs.records))]


TFIDF = Baseline(
    "tfidf",
    "TF-IDF of words and pairs of words, and a linear model",
    "TF-IDF of words and a linear model",
    make_tfidf,
    domains=("text",),
)
