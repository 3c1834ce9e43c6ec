"""Define the domain of graphs: read graphs from files and Python objects, and convert them to packed batches."""

from contramix.domains.domain import Domain
from contramix.domains.graph.packed import CONTENT
from contramix.domains.graph.settings import GraphSettings
from contramix.domains.graph.spec import GraphSpec
from contramix.domains.graph.tu import RECOGNIZED, read
from contramix.domains.graph.values import from_values, recognizes_values
from contramix.io.media.recognition import contains_files

DOMAIN = Domain(
    records="graphs",
    settings=GraphSettings,
    spec=GraphSpec,
    baselines=("chance", "raw", "pca", "untrained", "trees", "forest", "boosting", "blend", "wl"),
    recognizes=lambda path: contains_files(path, RECOGNIZED, ()),
    recognizes_values=recognizes_values,
    read=read,
    from_values=from_values,
    content=CONTENT,
)
"""Domain of graphs: raw files of the TU Dortmund collection, and objects of PyTorch Geometric and networkx."""
