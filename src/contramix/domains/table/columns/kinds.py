"""Define the union of all kinds of table columns, which pydantic reads from JSON by the field ``kind``."""

from typing import Annotated

from pydantic import Field

from contramix.domains.table.columns.boolean import Boolean
from contramix.domains.table.columns.categorical import Categorical
from contramix.domains.table.columns.column import Element
from contramix.domains.table.columns.dates import DateTime
from contramix.domains.table.columns.embedding import Embedding
from contramix.domains.table.columns.numeric import Numeric

AnyColumn = Annotated[Numeric | Embedding | Boolean | DateTime | Categorical, Field(discriminator="kind")]

__all__ = ["AnyColumn", "Boolean", "Categorical", "DateTime", "Element", "Embedding", "Numeric"]
