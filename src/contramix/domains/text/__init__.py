"""Define the domain of texts: read texts from files, lines and table columns, and convert them to tokens."""

from contramix.domains.domain import Domain
from contramix.domains.text.column import CONTENT
from contramix.domains.text.reading import read
from contramix.domains.text.recognition import recognizes, recognizes_values
from contramix.domains.text.settings import TextSettings
from contramix.domains.text.spec import TextSpec
from contramix.domains.text.values import from_values

DOMAIN = Domain(
    records="texts",
    settings=TextSettings,
    spec=TextSpec,
    baselines=("chance", "raw", "pca", "untrained", "tfidf"),
    recognizes=recognizes,
    recognizes_values=recognizes_values,
    read=read,
    from_values=from_values,
    content=CONTENT,
)
"""Domain of texts. A column of text in a table is not recognized; users set ``domain`` to ``text``."""
