"""Define how graphs are read and which features nodes have: the section ``graph`` of a recipe."""

from typing import Literal

from pydantic import Field

from contramix.settings import Settings


class GraphSettings(Settings):
    """Configure how graphs are read and which features nodes have.

    Parameters
    ----------
    features
        ``"labels"``: node labels, one-hot encoded. ``"attributes"``: node attributes, standardized. ``"degree"``: the
        in-degree, one-hot encoded. ``"ones"``: the constant 1, as in the InfoGraph and DACL papers for graphs without
        node features. ``"auto"``: labels and attributes if nodes have any, else degrees.
    most_degree
        Largest degree with its own one-hot element. Larger degrees are encoded as this degree.
    dataset
        Name of the data set to read, such as ``MUTAG``, if a folder or an archive holds several data sets.
    """

    features: Literal["auto", "labels", "attributes", "degree", "ones"] = "auto"
    most_degree: int = Field(default=64, ge=1, le=10_000)
    dataset: str | None = None
