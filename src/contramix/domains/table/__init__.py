"""Define the domain of tables: read files and data frames, and convert rows to vectors."""

from contramix.domains.domain import Domain
from contramix.domains.table.reading import from_values, read, read_chunks
from contramix.domains.table.settings import TableSettings
from contramix.domains.table.spec import TableSpec
from contramix.domains.table.unread_table import UnreadTable

DOMAIN = Domain(
    records="rows",
    settings=TableSettings,
    spec=TableSpec,
    baselines=(
        "chance",
        "raw",
        "raw-quantile",
        "pca",
        "untrained",
        "trees",
        "forest",
        "boosting",
        "blend",
        "tabpfn",
        "tabicl",
    ),
    recognizes=lambda path: True,
    recognizes_values=lambda values: False,
    read=read,
    from_values=from_values,
    chunk_reader=read_chunks,
    unread_table=UnreadTable,
)
"""Domain of tables, in which each row is a record. Data that no other domain recognizes are a table."""
