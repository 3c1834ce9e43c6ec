"""Define specifications, which are learned from training rows, convert rows to samples, and are saved with models."""

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
    """Name a column that is not an input of the model, with the reason, such as ``"empty"`` or ``"free text"``."""

    name: str
    reason: str


class Spec(Settings, ABC):
    """Convert rows of one domain to samples, with statistics learned from the training rows.

    A specification is immutable. It is saved as JSON with every model.

    Parameters
    ----------
    domain
        Name of the domain, such as ``"table"``.
    target
        The column of labels or numeric targets, which is not an input; None if there is none.
    rows
        Number of training rows. For tables, it includes the extra rows that were passed to ``learn``.
    left_out
        Other columns that are not inputs, with reasons.
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
            The section of the recipe that is named after the domain.
        target
            The column of labels or numeric targets, which is not an input; None if there is none.
        extra_rows
            More rows to learn from, whose labels are not used, such as the test rows in transductive learning.

        Returns
        -------
        spec, notes
            The specification, and one-line messages for the user, such as which columns are left out.

        Raises
        ------
        InputError
            If the table has no rows or no usable input, or lacks a column that ``target`` or ``settings`` name.
        """

    @property
    @abstractmethod
    def kinds(self) -> dict[str, list[str]]:
        """Return the names of the input columns by kind, such as ``{"numeric": ["age"], "boolean": ["smoker"]}``."""

    @property
    def input_columns(self) -> list[str]:
        """Return the names of the columns of the data that are inputs."""
        return [name for names in self.kinds.values() for name in names]

    @property
    @abstractmethod
    def summary(self) -> str:
        """Describe the format of a record in a few words, such as ``"3 channels x 100 steps"``."""

    def input_notes(self, table: pa.Table, known: Sequence[str] = ()) -> tuple[str, ...]:
        """Return one-line messages for the user about differences between new rows and the training rows.

        Examples are columns that the training rows lacked, and texts or series that are truncated.

        Parameters
        ----------
        table
            The new rows, to which a trained model is applied.
        known
            Names of columns, such as labels, that no message reports as unknown although they are not inputs.
        """
        return ()

    @abstractmethod
    def tensorize(self, table: pa.Table, first_row: int = 0) -> Samples:
        """Convert rows to samples, one per row in the same order. Samples are the input of an encoder's frontend.

        Parameters
        ----------
        table
            The rows.
        first_row
            Number of earlier rows in the file, which error messages add to row numbers.

        Raises
        ------
        InputError
            If the rows lack an input column, or if a column has another type than in training.
        """

    @abstractmethod
    def inputs(self) -> Inputs:
        """Return the properties of samples that an encoder is built for, such as their shape."""

    def features(self, x: Samples) -> Float32[ndarray, " n d"] | None:
        """Return the features on which baselines such as logistic regression are trained, one row per sample.

        Return None if these baselines are trained on the flattened inputs of the encoder instead.
        """
        return None

    def frontend(self) -> Front:
        """Return the torch module that converts samples to an encoder's input, such as one that rescales pixels."""
        return AsStored()

    def layout(self) -> Layout | None:
        """Return the layout, which says which elements of an input vector may be averaged when samples are mixed.

        Each other element is copied from one of the samples. Return None if no elements need to be distinguished.
        """
        return None
