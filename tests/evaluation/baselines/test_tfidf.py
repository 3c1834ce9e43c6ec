"""Compare TF-IDF and a linear model with scikit-learn's pipeline, and test empty texts."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from contramix.domains.text.settings import TextSettings
from contramix.domains.text.spec import TextSpec
from contramix.errors import InputError
from contramix.evaluation.baselines import EvaluationRecords
from contramix.evaluation.baselines.tfidf import TOKENS, tfidf
from contramix.evaluation.problem import PredictionProblem
from contramix.models.task import Task

WORDS = {"a": ["sun", "sand", "sea", "warm"], "b": ["snow", "ice", "wind", "cold"]}


def corpus(rows=60, seed=0):
    draw = np.random.default_rng(seed)
    y = draw.integers(0, 2, rows)
    texts = [" ".join(draw.choice(WORDS["ab"[c]] + ["the", "a", "?"], 6)) for c in y]
    return texts, y


def records_of(texts):
    table = pa.table({"text": pa.array(texts, pa.large_string())})
    spec, _ = TextSpec.learn(pa.table({"text": pa.array(["some text"], pa.large_string())}), TextSettings())
    return EvaluationRecords(spec, table.column("text"), torch.zeros(len(texts), 1, dtype=torch.int32))


def vectors():
    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=TOKENS)


def test_it_is_scikit_learns_pipeline():
    texts, y = corpus()
    train, test = np.arange(40), np.arange(40, 60)
    task = Task("classification", "label", ("a", "b"))
    predicted = tfidf(records_of(texts))(PredictionProblem(task, train, y[:40], test))
    strength = float(predicted.chosen.removeprefix("C = "))
    pipeline = make_pipeline(vectors(), LogisticRegression(C=strength, max_iter=1000))
    pipeline.fit([texts[i] for i in train], y[:40])
    expected = pipeline.predict_proba([texts[i] for i in test])
    np.testing.assert_allclose(predicted.score, expected, atol=1e-3)
    assert (predicted.value == y[40:]).mean() > 0.9


def test_quantities_are_predicted_by_ridge():
    texts, y = corpus()
    train, test = np.arange(40), np.arange(40, 60)
    predicted = tfidf(records_of(texts))(PredictionProblem(Task("regression", "warmth"), train, y[:40] * 10.0, test))
    strength = float(predicted.chosen.removeprefix("C = "))
    pipeline = make_pipeline(vectors(), Ridge(1 / strength)).fit([texts[i] for i in train], y[:40] * 10.0)
    np.testing.assert_allclose(predicted.value, pipeline.predict([texts[i] for i in test]), atol=0.05)


def test_words_of_test_rows_are_not_learned():
    texts, y = corpus(44)
    problem = PredictionProblem(Task("classification", "label", ("a", "b")), np.arange(40), y[:40], np.arange(40, 44))
    predict = tfidf
    mine = predict(records_of([*texts[:40], "zebra", "zebra", None, ""]))(problem)
    assert np.ptp(mine.score, axis=0) == pytest.approx([0, 0])  # nothing known in any of them


def test_training_texts_without_a_word_predict_something():
    y = np.array([0, 1] * 5)
    problem = PredictionProblem(Task("classification", "label", ("a", "b")), np.arange(10), y, np.arange(10, 12))
    predicted = tfidf(records_of([""] * 10 + ["word", ""]))(problem)
    np.testing.assert_allclose(predicted.score, 0.5, atol=1e-6)


def test_other_records_are_refused():
    other = records_of(["a"])._replace(content=None)
    with pytest.raises(InputError, match="'tfidf' is for texts"):
        tfidf(other)
