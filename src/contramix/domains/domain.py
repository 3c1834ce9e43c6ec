"""Define the interface of a domain: how one kind of data, such as images, is recognized, read and learned."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, runtime_checkable

from contramix.domains.content_column import ContentColumn
from contramix.domains.spec import Spec
from contramix.io.options import ReadOptions
from contramix.io.records import RecordChunks, Records
from contramix.settings import Settings

if TYPE_CHECKING:
    from contramix.domains.table.unread_table import UnreadTable

S = TypeVar("S", bound=Settings)
P = TypeVar("P", bound=Spec)
S_in = TypeVar("S_in", bound=Settings, contravariant=True)
P_in = TypeVar("P_in", bound=Spec, contravariant=True)

PathLike = str | os.PathLike[str]


@runtime_checkable
class Reader(Protocol[S_in, P_in]):
    """Define the signature of a function that reads all records of a file or folder into memory.

    The function takes the path, the read options, the domain's section of the recipe (type ``S_in``) and, after
    training, the specification of the model (type ``P_in``). It returns :class:`~contramix.io.records.Records`, an
    Arrow table with one row per record.
    """

    def __call__(
        self, path: PathLike, options: ReadOptions, settings: S_in, fitted_spec: P_in | None = None, /
    ) -> Records:
        """Read a file or folder into a table with one row per record.

        Parameters
        ----------
        path
            The file or folder.
        options
            How files are read, such as the delimiter of a CSV file.
        settings
            The section of the recipe that is named after the domain, such as ``image``.
        fitted_spec
            The specification of a trained model. If given, the records are converted to the format of the training
            data: images are resized to the model's image size, and audio clips are resampled to its sample rate.

        Raises
        ------
        InputError
            If the data cannot be read.
        """


@runtime_checkable
class ChunkReader(Protocol[S_in, P_in]):
    """Define the signature of a function that reads records in chunks of rows, for data that may not fit into memory.

    The function takes the path, the read options, the domain's section of the recipe (type ``S_in``) and, after
    training, the specification of the model (type ``P_in``). Iterating over its result yields Arrow tables.
    """

    def __call__(
        self, path: PathLike, options: ReadOptions, settings: S_in, fitted_spec: P_in | None = None, /
    ) -> RecordChunks:
        """Read a file or folder in chunks of rows. Iterating over the result yields Arrow tables.

        Parameters
        ----------
        path
            The file or folder.
        options
            How files are read, such as the delimiter of a CSV file.
        settings
            The section of the recipe that is named after the domain, such as ``image``.
        fitted_spec
            The specification of a trained model, to whose format the records are converted; None before training.

        Raises
        ------
        InputError
            If the data cannot be read.
        """


@runtime_checkable
class ValueReader(Protocol[S_in, P_in]):
    """Define the signature of a function that converts Python values, such as arrays, to an Arrow table of records.

    The function takes the values, the domain's section of the recipe (type ``S_in``) and, after training, the
    specification of the model (type ``P_in``).
    """

    def __call__(self, values: Any, settings: S_in, fitted_spec: P_in | None = None, /) -> Records:
        """Convert Python values, such as an array or a list of file paths, to a table with one row per record.

        Parameters
        ----------
        values
            The values, as passed to ``fit``.
        settings
            The section of the recipe that is named after the domain, such as ``image``.
        fitted_spec
            The specification of a trained model, to whose format the records are converted; None before training.

        Raises
        ------
        InputError
            If the values do not belong to this domain, or one of them is invalid.
        """


@dataclass(frozen=True)
class Domain(Generic[S, P]):
    """Collect the functions and classes that recognize, read and learn one kind of data, such as images.

    Parameters
    ----------
    records
        Plural noun that messages use for records, such as ``"images"``.
    settings
        Pydantic class of the recipe's section for this domain.
    spec
        Class of the domain's specification, which is learned from training rows and saved with the model.
    baselines
        Names of the baselines that evaluations run by default.
    recognizes
        Function that returns whether a file or folder holds data of this domain; False if it cannot be read.
    recognizes_values
        Function that returns whether Python values passed to ``fit`` are unmistakably data of this domain.
    read
        Function that reads all records of a file or folder.
    from_values
        Function that converts Python values to records.
    content
        Name and type of the Arrow column of records; None for tables, in which every column may be an input.
    chunk_reader
        Function that reads records in chunks of rows; None if the records always fit into memory.
    unread_table
        Function that returns an ``UnreadTable``, which estimates how much memory the records would take without
        reading them; None if the records always fit into memory.
    """

    records: str
    settings: type[S]
    spec: type[P]
    baselines: tuple[str, ...]
    recognizes: Callable[[PathLike], bool]
    recognizes_values: Callable[[Any], bool]
    read: Reader[S, P]
    from_values: ValueReader[S, P]
    content: ContentColumn | None = None
    chunk_reader: ChunkReader[S, P] | None = None
    unread_table: "Callable[[PathLike, ReadOptions, S], UnreadTable] | None" = None

    def read_chunks(
        self, path: PathLike, options: ReadOptions, settings: S, fitted_spec: P | None = None
    ) -> RecordChunks:
        """Read a file or folder in chunks of rows, or in a single chunk if the domain has no ``chunk_reader``.

        Iterating over the result yields Arrow tables.

        Parameters
        ----------
        path
            The file or folder.
        options
            How files are read, such as the delimiter of a CSV file.
        settings
            The section of the recipe that is named after the domain, such as ``image``.
        fitted_spec
            The specification of a trained model, to whose format the records are converted; None before training.

        Raises
        ------
        InputError
            If the data cannot be read.
        """
        if self.chunk_reader is None:
            return RecordChunks.from_records(self.read(path, options, settings, fitted_spec))
        return self.chunk_reader(path, options, settings, fitted_spec)
