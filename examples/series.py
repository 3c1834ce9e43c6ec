"""Embed time series of different lengths: python examples/series.py"""

import numpy as np

from contramix import ContrastiveEncoder

draw = np.random.default_rng(0)
series = [np.sin(np.arange(length) * draw.uniform(0.1, 1.0)) for length in draw.integers(20, 60, 120)]
encoder = ContrastiveEncoder("imix-npair", epochs=10, random_state=0).fit(series)
print(encoder.transform(series).shape, encoder.transform([series[0][:15]]).shape)
