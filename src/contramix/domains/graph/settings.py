"""How graphs are read, and what a node's features are: the recipe's section ``graph``."""

from typing import Literal

from pydantic import Field

from contramix.settings import Settings


class GraphSettings(Settings):
    """How graphs are read, and what a node's features are.

    Parameters
    ----------
    features
        ``"labels"``: node labels, one-hot. ``"attributes"``: numbers that nodes have, standardised. ``"degree"``: the
        number of edges that lead to a node, one-hot. ``"ones"``: the same for all, as InfoGraph and DACL have it where
        there is nothing else. ``"auto"``: labels and attributes, those that there are, else degrees.
    most_degree
        Larger degrees count as this one.
    dataset
        Which one, of a folder or an archive that holds several.
    """

    features: Literal["auto", "labels", "attributes", "degree", "ones"] = "auto"
    most_degree: int = Field(default=64, ge=1, le=10_000)
    dataset: str | None = None
