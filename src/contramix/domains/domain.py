"""What a domain is: how files become records, and what is learned of them."""

import os
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import pyarrow as pa

from contramix.domains.spec import Spec
from contramix.io.options import ReadOptions
from contramix.io.records import RecordChunks, Records
from contramix.settings import Settings

if TYPE_CHECKING:
    from contramix.domains.table.unread import UnreadTable

S = TypeVar("S", bound=Settings)
P = TypeVar("P", bound=Spec)


class Domain(ABC, Generic[S, P]):
    """A kind of data. Its settings are the recipe's section of its name; its specification is half of a model."""

    spec: type[P]
    records: ClassVar[str]
    """What its records are called: rows, images, clips."""
    baselines: ClassVar[tuple[str, ...]]
    """Plain baselines that make sense for it, and are compared with unless others are named."""
    content: ClassVar[str | None] = None
    """The one column that is the input; None: any column may be."""

    @abstractmethod
    def claims(self, path: str | os.PathLike[str]) -> bool:
        """Whether a file or folder looks like this domain's; decides where ``--domain`` does not. Never raises for a
        path that cannot be read: then it is none of this domain's."""

    def claims_values(self, values: Any) -> bool:
        """Whether Python values, given to ``fit``, are this domain's: a 4-D array is images, a list of sound files is
        audio. What no domain claims is a table."""
        return False

    @abstractmethod
    def read(self, path: str | os.PathLike[str], options: ReadOptions, settings: S, like: P | None = None) -> Records:
        """Read a file or folder; for a trained model, in the form of what it was trained on, ``like``.

        Raises
        ------
        InputError
            If it cannot be read.
        """

    def read_chunks(
        self, path: str | os.PathLike[str], options: ReadOptions, settings: S, like: P | None = None
    ) -> RecordChunks:
        """The same for data that may not fit into memory, portion by portion, where the domain can.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        return RecordChunks.from_records(self.read(path, options, settings, like))

    def large(self, path: str | os.PathLike[str], options: ReadOptions, settings: S) -> "UnreadTable | None":
        """The same, not read yet, where the domain's records may be more than fit into memory; None where they are
        decoded when they are asked for, so that they always fit."""
        return None

    @abstractmethod
    def describe(
        self, table: pa.Table, settings: S, target: str | None = None, also: pa.Table | None = None
    ) -> tuple[P, tuple[str, ...]]:
        """Learn a specification from training rows, and from those of ``also`` (a transductive protocol) if given;
        with notes on what was left out.

        Raises
        ------
        InputError
            If there is nothing to learn from.
        """

    @abstractmethod
    def from_values(self, values: Any, settings: S, like: P | None = None) -> Records:
        """Records from Python values, such as arrays or lists of files.

        Raises
        ------
        InputError
            If they are not this domain's, or something is wrong with them.
        """
