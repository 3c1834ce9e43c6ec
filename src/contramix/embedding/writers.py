"""Write representations batch by batch to Parquet, CSV or npy files. At most one row group is kept in memory."""

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

ROW_GROUP_NUMBERS = 2**24
"""Maximum number of values in a row group of a Parquet file (64 MB), large enough for efficient reading of columns."""


class EmbeddingFile(ABC):
    """Write representations to an open file, batch by batch, after columns that are copied from the data.

    Parameters
    ----------
    file
        Binary file that is open for writing.
    kept
        Schema of the columns that are copied from the data.
    rows, width
        Number of rows that will be written, and number of elements of a representation.
    """

    @abstractmethod
    def __init__(self, file: BinaryIO, kept: pa.Schema, rows: int, width: int) -> None: ...

    @abstractmethod
    def add(self, kept: pa.Table, z: Float32[ndarray, " n d"]) -> None:
        """Append rows to the file: their copied columns in ``kept``, and their representations in ``z``."""

    @abstractmethod
    def close(self) -> None:
        """Write buffered rows and the end of the file. The file object is not closed."""


class ParquetFile(EmbeddingFile):
    """Write a Parquet file with the copied columns, and one column for each element of a representation.

    The columns of the representation are not compressed: their values hardly repeat, and compression would take a
    quarter as long as the encoder needs to compute them (docs/adr/0024). They are declared as not nullable, which
    halves the time of writing. Pages have checksums.

    Parameters
    ----------
    file
        Binary file that is open for writing.
    kept
        Schema of the columns that are copied from the data.
    rows, width
        Number of rows that will be written, and number of elements of a representation.
    """

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
        size = max(1, min(rows, ROW_GROUP_NUMBERS // width))
        self._columns = torch.empty(width, size)
        self._kept, self._filled = [kept.empty_table()], 0

    def add(self, kept: pa.Table, z: Float32[ndarray, " n d"]) -> None:
        """Buffer rows (copied columns ``kept``, representations ``z``), and write each full row group to the file."""
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
        """Write the buffered rows as the last row group, and the footer of the file."""
        if self._filled:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        table = pa.concat_tables(self._kept)
        columns = map(pa.array, self._columns[:, : self._filled].numpy())
        self._writer.write_table(pa.table([*table.columns, *columns], schema=self._schema), row_group_size=self._filled)
        self._kept, self._filled = [table.schema.empty_table()], 0


class CsvFile(EmbeddingFile):
    """Write a CSV file with the copied columns, and one column for each element of a representation.

    An apostrophe is put before texts that a spreadsheet would execute as formulas.

    Parameters
    ----------
    file
        Binary file that is open for writing.
    kept
        Schema of the columns that are copied from the data.
    rows, width
        Number of rows that will be written, and number of elements of a representation.
    """

    def __init__(self, file: BinaryIO, kept: pa.Schema, rows: int, width: int) -> None:
        self._names = embedding_names(width)
        fields = [(name, pa.float32()) for name in self._names]
        self._writer = CSVWriter(file, escape_formulas(pa.schema([*kept, *fields]).empty_table()).schema)

    def add(self, kept: pa.Table, z: Float32[ndarray, " n d"]) -> None:
        """Append rows to the file: their copied columns in ``kept``, and their representations in ``z``."""
        columns = [pa.array(np.ascontiguousarray(column)) for column in z.T]
        self._writer.write_table(
            escape_formulas(pa.table([*kept.columns, *columns], [*kept.column_names, *self._names]))
        )

    def close(self) -> None:
        """Write the rows that the CSV writer has buffered."""
        self._writer.close()


class NpyFile(EmbeddingFile):
    """Write representations as one array of shape (rows, width) in the format of ``numpy.save``.

    Columns copied from the data are not written, since the format holds numbers only.

    Parameters
    ----------
    file
        Binary file that is open for writing.
    kept
        Schema of the columns that are copied from the data.
    rows, width
        Number of rows that will be written, and number of elements of a representation.
    """

    def __init__(self, file: BinaryIO, kept: pa.Schema, rows: int, width: int) -> None:
        self._file = file
        header = {"descr": "<f4", "fortran_order": False, "shape": (rows, width)}
        np.lib.format.write_array_header_1_0(file, header)

    def add(self, kept: pa.Table, z: Float32[ndarray, " n d"]) -> None:
        """Append the representations ``z`` to the file; ``kept`` is ignored."""
        self._file.write(z.astype("<f4", copy=False).tobytes())

    def close(self) -> None:
        """Do nothing: rows are not buffered, and the file has no footer."""


EMBEDDING_FILES: dict[str, type[EmbeddingFile]] = {".parquet": ParquetFile, ".csv": CsvFile, ".npy": NpyFile}
"""Classes that write embedding files, by the suffix of the file."""
