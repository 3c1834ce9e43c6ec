"""What is learned of a domain's data: half of a saved model, as JSON."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import pyarrow as pa
from jaxtyping import Float32
from numpy import ndarray
from pydantic import Field

from contramix.encoders.encoder import Inputs
from contramix.encoders.frontend import AsStored, Front
from contramix.errors import InputError, nearest
from contramix.io.records import FILE, SPLIT
from contramix.mixing.layout import Layout
from contramix.samples.samples import Samples
from contramix.settings import Settings


class LeftOut(Settings):
    """A column that is not an input, and why."""

    name: str
    reason: str


class Spec(Settings, ABC):
    """What was learned of the training rows, and how rows become samples. Frozen, written as JSON."""

    domain: str
    target: str | None = None
    rows: int = Field(ge=0)
    left_out: tuple[LeftOut, ...] = ()
    """Columns that are not inputs."""

    @property
    @abstractmethod
    def kinds(self) -> dict[str, list[str]]:
        """Columns that are inputs, by kind."""

    @property
    @abstractmethod
    def form(self) -> str:
        """What one record is, in a few words."""

    def unknown(self, table: pa.Table, known: Sequence[str] = ()) -> tuple[str, ...]:
        """A note on columns that the training table did not have, and that are not known otherwise."""
        return ()

    @abstractmethod
    def tensorize(self, table: pa.Table) -> Samples:
        """Rows to samples, in order.

        Raises
        ------
        InputError
            If the rows are not of the kind that was described.
        """

    def tensorize_part(self, table: pa.Table, first: int) -> Samples:
        """The same for a part of the rows, of which ``first`` went before; messages count from the first of all.

        Raises
        ------
        InputError
            If the rows are not of the kind that was described.
        """
        return self.tensorize(table)

    @abstractmethod
    def inputs(self) -> Inputs:
        """What an encoder must know."""

    def features(self, x: Samples) -> Float32[ndarray, " n d"] | None:
        """What a plain model is given of samples; None: the inputs, as flat vectors."""
        return None

    def front(self) -> Front:
        """The way from samples to an encoder's input."""
        return AsStored()

    def layout(self) -> Layout | None:
        """How inputs may be mixed; None: any element with any, all alike."""
        return None


def left_out(table: pa.Table, content: str, target: str | None, reason: str) -> tuple[LeftOut, ...]:
    """The columns that are neither the input, ``content``, nor the target, nor say which record a row is.

    Raises
    ------
    InputError
        The target is no column, or the input itself.
    """
    others = [name for name in table.column_names if name != content]
    if target is not None and target not in others:
        raise InputError(f"--target: there is no column of labels {target!r}; {nearest(target, others)}")
    return tuple(LeftOut(name=name, reason=reason) for name in others if name not in (FILE, SPLIT, target))
