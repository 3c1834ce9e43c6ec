"""Define how graphs are read and which features nodes have: the section ``graph`` of a recipe."""

from typing import Literal

from pydantic import Field

from contramix.settings import Settings


class GraphSettings(Settings):
    """Set how graphs are read and which features nodes have.

    Parameters
    ----------
    features
        ``"labels"``: node labels, one-hot encoded. ``"attributes"``: node attributes, standardized. ``"degree"``: the
        in-degree, one-hot encoded. ``"ones"``: a constant, as in InfoGraph and DACL for graphs without node features.
        ``"auto"``: labels and attributes if there are any, else degrees.
    most_degree
        Maximum degree; larger degrees are encoded as this one.
    dataset
        Name of the data set to read, if a folder or an archive holds several.
    """

    features: Literal["auto", "labels", "attributes", "degree", "ones"] = "auto"
    most_degree: int = Field(default=64, ge=1, le=10_000)
    dataset: str | None = None
