"""Read files, archives and arrays of images, and learn how they become samples."""

from contramix.domains.domain import Domain
from contramix.domains.image.reading import read
from contramix.domains.image.recognition import recognizes, recognizes_values
from contramix.domains.image.settings import ImageSettings
from contramix.domains.image.size import CONTENT
from contramix.domains.image.spec import ImageSpec
from contramix.domains.image.values import from_values

DOMAIN = Domain(
    records="images",
    settings=ImageSettings,
    spec=ImageSpec,
    baselines=("chance", "raw", "pca", "pixels", "untrained", "trees"),
    recognizes=recognizes,
    recognizes_values=recognizes_values,
    read=read,
    from_values=from_values,
    content=CONTENT,
)
"""Images of one size, as bytes."""
