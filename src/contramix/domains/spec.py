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
    """Name a column that is not an input of the model, and give the reason, such as ``"constant (3)"``."""

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
        Number of training rows.
    left_out
        Columns that are not inputs, with reasons.
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
    @abstractmethod
    def summary(self) -> str:
        """Describe the format of a record in a few words, such as ``"3 channels x 100 steps"``."""

    def input_notes(self, table: pa.Table, known: Sequence[str] = ()) -> tuple[str, ...]:
        """Return one-line messages on how new rows differ from the training rows, such as unknown columns.

        Parameters
        ----------
        table
            The new rows, to which a trained model is applied.
        known
            Names of columns that are no inputs but are expected, such as labels. No message mentions them.
        """
        return ()

    @abstractmethod
    def tensorize(self, table: pa.Table, first_row: int = 0) -> Samples:
        """Convert rows to samples, the inputs of an encoder's frontend, in the same order.

        Parameters
        ----------
        table
            The rows.
        first_row
            Number of rows that precede these in the file, from which error messages compute row numbers.

        Raises
        ------
        InputError
            If the rows lack an input column, or hold values of another kind than the training rows.
        """

    @abstractmethod
    def inputs(self) -> Inputs:
        """Describe the input for which an encoder is built, such as its shape."""

    def features(self, x: Samples) -> Float32[ndarray, " n d"] | None:
        """Return the features on which baselines such as logistic regression are trained, one row per sample.

        Return None if baselines are trained on the flattened inputs of the encoder.
        """
        return None

    def frontend(self) -> Front:
        """Return the module that converts samples to an encoder's input, such as pixels to numbers in [0, 1]."""
        return AsStored()

    def layout(self) -> Layout | None:
        """Return the layout, which says which elements of an input vector may be averaged when samples are mixed.

        Return None if all elements are mixed in the same way.
        """
        return None
