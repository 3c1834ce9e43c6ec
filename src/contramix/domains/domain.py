"""Define what a domain is: one literal that says how data of one kind are recognized, read and learned."""

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
    """Read the records of a file or folder, as rows of a table."""

    def __call__(
        self, path: PathLike, options: ReadOptions, settings: S_in, fitted_spec: P_in | None = None, /
    ) -> Records:
        """Read a file or folder.

        Parameters
        ----------
        path
            The file or folder.
        options
            How files are read, such as the delimiter of a CSV file.
        settings
            The section of the recipe that is named like the domain.
        fitted_spec
            The specification of a trained model. If given, records are read as that model's training records were:
            images get its size, clips its sample rate.

        Raises
        ------
        InputError
            If the data cannot be read.
        """


@runtime_checkable
class ChunkReader(Protocol[S_in, P_in]):
    """Read the records of a file or folder in chunks, for data that may not fit into memory."""

    def __call__(
        self, path: PathLike, options: ReadOptions, settings: S_in, fitted_spec: P_in | None = None, /
    ) -> RecordChunks:
        """Read a file or folder in chunks; the parameters are those of :class:`Reader`.

        Raises
        ------
        InputError
            If the data cannot be read.
        """


@runtime_checkable
class ValueReader(Protocol[S_in, P_in]):
    """Convert Python values, such as arrays or lists of files, to records."""

    def __call__(self, values: Any, settings: S_in, fitted_spec: P_in | None = None, /) -> Records:
        """Convert values to records; ``settings`` and ``fitted_spec`` are those of :class:`Reader`.

        Raises
        ------
        InputError
            If the values are not of this domain, or one of them is invalid.
        """


@dataclass(frozen=True)
class Domain(Generic[S, P]):
    """Describe one kind of data: how it is recognized, read and learned.

    Parameters
    ----------
    records
        What records are called in messages, in the plural: rows, images, clips.
    settings
        The class of the domain's section in a recipe.
    spec
        The class of what is learned of the training rows; half of a saved model.
    baselines
        Names of the baselines that evaluations run by default.
    recognizes
        Whether a file or folder looks like this domain's. It returns False for a path that cannot be read.
    recognizes_values
        Whether Python values, as passed to ``fit``, are of this domain beyond doubt.
    read, from_values
        Read files, and convert Python values.
    content
        The column that is the input; None if any column may be one, as in tables.
    chunk_reader
        Read files in chunks; None if the records of :attr:`read` fit into memory, or are decoded when needed.
    unread_table
        Describe data that may be larger than memory, without reading it; None for domains whose records always fit.
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
        """Read a file or folder in chunks; in a single chunk if the domain has no ``chunk_reader``.

        Raises
        ------
        InputError
            If the data cannot be read.
        """
        if self.chunk_reader is None:
            return RecordChunks.from_records(self.read(path, options, settings, fitted_spec))
        return self.chunk_reader(path, options, settings, fitted_spec)
