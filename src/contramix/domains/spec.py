"""Define what is learned of a domain's data: half of a saved model, stored as JSON."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from jaxtyping import Float32
from numpy import ndarray
from pydantic import Field

from contramix.encoders.encoder import Inputs
from contramix.encoders.frontend import AsStored, Front
from contramix.mixing.layout import Layout
from contramix.samples.samples import Samples
from contramix.settings import Settings


class LeftOut(Settings):
    """Name a column that is not an input, and the reason."""

    name: str
    reason: str


class Spec(Settings, ABC):
    """Hold what was learned of the training rows, and convert rows to samples. Immutable, written as JSON.

    Parameters
    ----------
    domain
        The name of the domain.
    target
        The column to predict, which is not an input; None if there is none.
    rows
        Number of training rows.
    left_out
        Columns that are not inputs.
    """

    domain: str
    target: str | None = None
    rows: int = Field(ge=0)
    left_out: tuple[LeftOut, ...] = ()

    @classmethod
    @abstractmethod
    def learn(
        cls, table: pa.Table, settings: Any, target: str | None = None, extra_rows: pa.Table | None = None
    ) -> tuple["Spec", tuple[str, ...]]:
        """Learn a specification from training rows.

        Parameters
        ----------
        table
            The training rows, as the domain's readers return them.
        settings
            The section of the recipe that is named like the domain.
        target
            A column that is not an input.
        extra_rows
            Rows without labels to learn from in addition, as in a transductive protocol.

        Returns
        -------
        spec, notes
            The specification, and one line for each thing that the user should know.

        Raises
        ------
        InputError
            If there is nothing to learn from, or a named column does not exist.
        """

    @property
    @abstractmethod
    def kinds(self) -> dict[str, list[str]]:
        """Return the names of the input columns, by kind."""

    @property
    @abstractmethod
    def summary(self) -> str:
        """Describe one record in a few words, such as its size."""

    def input_notes(self, table: pa.Table, known: Sequence[str] = ()) -> tuple[str, ...]:
        """Return notes on rows that differ from the training rows.

        Parameters
        ----------
        table
            Rows that a trained model is applied to.
        known
            Names of columns that the training rows lacked and that are not inputs, such as labels.
        """
        return ()

    @abstractmethod
    def tensorize(self, table: pa.Table, first_row: int = 0) -> Samples:
        """Convert rows to samples, in order.

        Parameters
        ----------
        table
            The rows.
        first_row
            Number of rows that precede these in their file; error messages count from the file's first row.

        Raises
        ------
        InputError
            If the rows are not of the kind that the specification was learned from.
        """

    @abstractmethod
    def inputs(self) -> Inputs:
        """Return the shape and kind of an encoder's input."""

    def features(self, x: Samples) -> Float32[ndarray, " n d"] | None:
        """Return the features that baselines use; None if they use the inputs, flattened."""
        return None

    def frontend(self) -> Front:
        """Return the module that converts samples to an encoder's input."""
        return AsStored()

    def layout(self) -> Layout | None:
        """Return how the elements of an input may be mixed; None if all elements are mixed in the same way."""
        return None
