"""Compare the linear probe on raw features of tables with scikit-learn's transformers and logistic regression."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from contramix.domains.table.settings import TableSettings
from contramix.domains.table.spec import TableSpec
from contramix.evaluation.probes.linear import STRENGTHS, linear
from contramix.evaluation.problem import PredictionProblem
from contramix.models.labeled_records import LabelBudget, draw_labels
from contramix.models.task import Task
from contramix.predictors.feature_rows import raw_features

TASK, DRAWS = Task("classification", "y", ("0", "1")), 20
BANK = Path(__file__).parents[3] / "shared" / "data" / "bank_marketing" / "bank-full.csv.gz"


def synthetic(n=800):
    """Two numbers, one with missing values, a category of which some levels are rare, a boolean, and classes."""
    rng = np.random.default_rng(5)
    kind = rng.choice(list("abcdefgh"), n, p=[0.4, 0.3, 0.2, 0.06, 0.02, 0.01, 0.005, 0.005])
    age, income = rng.normal(40, 12, n), np.exp(rng.normal(8, 1, n))
    y = (age + 8 * (kind == "b") - 9 * (kind == "c") + rng.normal(0, 8, n) > 41).astype(int)
    income[rng.random(n) < 0.1] = np.nan
    return pd.DataFrame({"age": age, "income": income, "kind": kind, "owner": rng.random(n) < 0.3}), y


def bank(n=6000):
    if not BANK.exists():
        pytest.skip("needs bank_marketing/bank-full.csv.gz in a folder shared/data beside the repository")
    frame = pd.read_csv(BANK, sep=";").sample(n, random_state=0, ignore_index=True)
    return frame.drop(columns="y"), (frame["y"] == "yes").to_numpy().astype(int)


def transformed(frame, rows):
    """Return features as a user of scikit-learn would, with statistics of the given rows, labeled or not."""
    numbers = [name for name in frame if frame[name].dtype.kind in "if"]
    words = [name for name in frame if frame[name].dtype.kind not in "ifb"]
    filled = make_pipeline(SimpleImputer(), StandardScaler())
    kinds = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = [("numbers", filled, numbers), ("missing", MissingIndicator(), numbers), ("words", kinds, words)]
    both = ColumnTransformer(columns, remainder="passthrough")
    return both.fit(frame.iloc[rows]).transform(frame).astype(float)


@pytest.mark.parametrize("data", [synthetic, bank])
def test_linear_on_raw_features_is_what_scikit_learn_gives(data):
    frame, y = data()
    train, test = np.arange(len(y) * 3 // 4), np.arange(len(y) * 3 // 4, len(y))
    table = pa.Table.from_pandas(frame)
    spec, _ = TableSpec.learn(table.slice(0, len(train)), TableSettings())
    z, theirs, gaps = raw_features(spec, spec.tensorize(table)), transformed(frame, train), []
    for draw in range(DRAWS):
        used = draw_labels(y, train, LabelBudget(20), draw)
        found = linear(PredictionProblem(TASK, used, y[used], test, draw, training_rows=train), z)
        chosen = float(found.chosen.removeprefix("C = "))
        same = LogisticRegression(C=chosen, tol=1e-8, max_iter=5000).fit(theirs[used], y[used])
        np.testing.assert_allclose(found.score, same.predict_proba(theirs[test]), atol=1e-3)
        folds = StratifiedKFold(5, shuffle=True, random_state=draw)
        own = LogisticRegressionCV(
            Cs=STRENGTHS, cv=folds, scoring="neg_log_loss", l1_ratios=(0,), use_legacy_attributes=False
        )
        own.fit(theirs[used], y[used])
        scores = found.score[:, 1], own.predict_proba(theirs[test])[:, 1]
        gaps.append(np.diff([roc_auc_score(y[test], score) for score in scores]))
    assert abs(np.mean(gaps)) < 0.003


@pytest.mark.parametrize("width", [5, 200])
def test_test_rows_do_not_enter_the_statistics(width):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(500, width)).astype(np.float32)
    y = (z[:, 0] > 0).astype(int)
    train, test = np.arange(400), np.arange(400, 500)
    used = draw_labels(y, train, LabelBudget(20), 0)
    changed = z.copy()
    changed[450:] = 100 * changed[450:] + 7
    asked = PredictionProblem(TASK, used, y[used], test, training_rows=train)
    np.testing.assert_array_equal(linear(asked, z).score[:50], linear(asked, changed).score[:50])
    unlabeled = z.copy()
    unlabeled[:400][~np.isin(train, used)] *= 3.0
    assert not np.allclose(linear(asked, z).score, linear(asked, unlabeled).score)
