"""Classify networkx graphs with few labels: python examples/graphs.py"""

import networkx as nx
import numpy as np
from sklearn.linear_model import LogisticRegression

from contramix import ContrastiveEncoder

graphs = [
    nx.barabasi_albert_graph(30, 2, seed=n) if n % 2 else nx.watts_strogatz_graph(30, 4, 0.1, seed=n)
    for n in range(200)
]
kind = np.arange(200) % 2
Z = ContrastiveEncoder("dacl", epochs=5, batch_size=50, random_state=0).fit_transform(graphs)
few = LogisticRegression(max_iter=1000).fit(Z[:10], kind[:10])
print(f"{Z.shape[1]} features per graph; accuracy with ten labels: {few.score(Z[10:], kind[10:]):.2f}")
