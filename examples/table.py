"""Embed a table and compare with raw features: python examples/table.py (about half a minute on two cores)."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from contramix import ContrastiveEncoder
from contramix.datasets import COVTYPE
from contramix.io.tables.reading import read

train, test = (read(COVTYPE / f"{split}.parquet").table for split in ("train", "test"))
X, y = train.drop_columns("cover_type"), train.column("cover_type").to_numpy()
X_test, y_test = test.drop_columns("cover_type"), test.column("cover_type").to_numpy()

encoder = ContrastiveEncoder("imix-npair", epochs=20, random_state=0, verbose=True).fit(X)
probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
print("linear probe:", probe.fit(encoder.transform(X), y).score(encoder.transform(X_test), y_test))

raw, raw_test = (np.column_stack([c.to_numpy() for c in t.columns]) for t in (X, X_test))
print("raw features:", probe.fit(raw, y).score(raw_test, y_test))
