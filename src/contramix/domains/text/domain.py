"""Texts: as the tokens of one tokenizer."""

import os
from typing import Any

import pyarrow as pa

from contramix.domains.domain import Domain
from contramix.domains.text.column import TEXT
from contramix.domains.text.describe import describe
from contramix.domains.text.reading import read
from contramix.domains.text.recognition import claims, claims_values
from contramix.domains.text.settings import TextSettings
from contramix.domains.text.spec import TextSpec
from contramix.domains.text.values import from_values
from contramix.io.options import ReadOptions
from contramix.io.records import Records


class Texts(Domain[TextSettings, TextSpec]):
    """Texts from files, lines, columns and lists."""

    spec = TextSpec
    records = "texts"
    baselines = ("raw", "pca", "tfidf", "untrained", "gaussian", "supervised")
    content = TEXT

    def claims(self, path: str | os.PathLike[str]) -> bool:
        """Files of text, folders and archives of them, and lines that begin with a label; a table's column of text is
        claimed by none but ``--domain text``."""
        return claims(path)

    def claims_values(self, values: Any) -> bool:
        """Lists, arrays and series of strings."""
        return claims_values(values)

    def read(
        self, path: str | os.PathLike[str], options: ReadOptions, settings: TextSettings, like: TextSpec | None = None
    ) -> Records:
        """Read files of text, lines, or a table's column."""
        return read(path, options, settings, like)

    def describe(
        self, table: pa.Table, settings: TextSettings, target: str | None = None, also: pa.Table | None = None
    ) -> tuple[TextSpec, tuple[str, ...]]:
        """Learn the tokenizer."""
        return describe(table, settings, target, also)

    def from_values(self, values: Any, settings: TextSettings, like: TextSpec | None = None) -> Records:
        """Strings, files of text, and frames with a column of text."""
        return from_values(values, settings, like)
