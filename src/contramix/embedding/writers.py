"""Files of representations that grow batch by batch: Parquet, CSV or npy. Memory holds one group of rows."""

from abc import ABC, abstractmethod
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from jaxtyping import Float32
from numpy import ndarray
from pyarrow.csv import CSVWriter

from contramix.embedding.columns import embedding_names, escape_formulas

GROUP = 2**24
"""Numbers of a Parquet file's row group: 64 MB of each, enough that its columns are read at once."""


class EmbeddingFile(ABC):
    """Rows of representations, behind the columns carried over, in a file that is open for writing.

    Parameters
    ----------
    file
        Where the bytes go.
    kept
        The columns carried over.
    rows, width
        How many rows there will be, and numbers in each.
    """

    @abstractmethod
    def __init__(self, file: BinaryIO, kept: pa.Schema, rows: int, width: int) -> None: ...

    @abstractmethod
    def add(self, kept: pa.Table, z: Float32[ndarray, " n d"]) -> None:
        """Write some rows more."""

    @abstractmethod
    def close(self) -> None:
        """Write what has not been written yet."""


class Parquet(EmbeddingFile):
    """One column a number, stored plainly: they hardly repeat, and compressing them costs a quarter of the time that
    the network takes (docs/adr/0024). None is missing, which halves the time of writing. Pages carry checksums."""

    def __init__(self, file: BinaryIO, kept: pa.Schema, rows: int, width: int) -> None:
        names = embedding_names(width)
        self._schema = pa.schema([*kept, *(pa.field(name, pa.float32(), nullable=False) for name in names)])
        self._writer = pq.ParquetWriter(
            file,
            self._schema,
            compression=dict.fromkeys(kept.names, "zstd"),
            use_dictionary=kept.names,
            write_statistics=kept.names,
            write_page_checksum=True,
        )
        size = max(1, min(rows, GROUP // width))
        self._columns = torch.empty(width, size)
        self._kept, self._filled = [kept.empty_table()], 0

    def add(self, kept: pa.Table, z: Float32[ndarray, " n d"]) -> None:
        """Write some rows more, group by group."""
        start = 0
        while start < len(z):
            part = torch.from_numpy(z[start : start + self._columns.shape[1] - self._filled])
            self._columns[:, self._filled : self._filled + len(part)] = part.t().contiguous()
            self._kept.append(kept.slice(start, len(part)))
            self._filled += len(part)
            start += len(part)
            if self._filled == self._columns.shape[1]:
                self._write_group()

    def close(self) -> None:
        """Write the last group and the footer."""
        if self._filled:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        table = pa.concat_tables(self._kept)
        columns = map(pa.array, self._columns[:, : self._filled].numpy())
        self._writer.write_table(pa.table([*table.columns, *columns], schema=self._schema), row_group_size=self._filled)
        self._kept, self._filled = [table.schema.empty_table()], 0


class Csv(EmbeddingFile):
    """One column a number; texts are made harmless for spreadsheets."""

    def __init__(self, file: BinaryIO, kept: pa.Schema, rows: int, width: int) -> None:
        self._names = embedding_names(width)
        fields = [(name, pa.float32()) for name in self._names]
        self._writer = CSVWriter(file, escape_formulas(pa.schema([*kept, *fields]).empty_table()).schema)

    def add(self, kept: pa.Table, z: Float32[ndarray, " n d"]) -> None:
        """Write some rows more."""
        columns = [pa.array(np.ascontiguousarray(column)) for column in z.T]
        self._writer.write_table(
            escape_formulas(pa.table([*kept.columns, *columns], [*kept.column_names, *self._names]))
        )

    def close(self) -> None:
        """Write what is held back."""
        self._writer.close()


class Npy(EmbeddingFile):
    """The numbers alone, as `numpy.save` writes them."""

    def __init__(self, file: BinaryIO, kept: pa.Schema, rows: int, width: int) -> None:
        self._file = file
        form = {"descr": "<f4", "fortran_order": False, "shape": (rows, width)}
        np.lib.format.write_array_header_1_0(file, form)

    def add(self, kept: pa.Table, z: Float32[ndarray, " n d"]) -> None:
        """Write some rows more."""
        self._file.write(z.astype("<f4", copy=False).tobytes())

    def close(self) -> None:
        """All is written."""


EMBEDDING_FILES: dict[str, type[EmbeddingFile]] = {".parquet": Parquet, ".csv": Csv, ".npy": Npy}
