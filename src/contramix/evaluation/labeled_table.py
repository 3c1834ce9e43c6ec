"""Define a table with a target column, and an official test split if the data set has one."""

from dataclasses import dataclass

import pyarrow as pa

from contramix.domains import Spec
from contramix.models.labeled_records import LabeledRecords, prepare_labeled_records
from contramix.models.task import Kind


@dataclass(frozen=True)
class LabeledTable:
    """Collect the labeled data of a comparison: training rows, test rows, and the name of the target column.

    Parameters
    ----------
    table
        Labeled rows, without those of an official test split.
    target
        Name of the column to predict.
    test
        Rows of an official test split. If None, the comparison holds out a fifth of the rows for each seed.
    extra_rows
        Further rows without labels. When a recipe is pre-trained, statistics of the columns, such as means and
        categories, are computed from these rows too (a transductive protocol).
    name, test_name
        What error messages call the rows in ``table`` and the rows in ``test``.
    """

    table: pa.Table
    target: str
    test: pa.Table | None = None
    extra_rows: pa.Table | None = None
    name: str = "data"
    test_name: str = "test data"

    def encode(self, spec: Spec, kind: Kind | None = None) -> LabeledRecords:
        """Convert the rows to samples and encoded targets. Rows of the official test split come last.

        Parameters
        ----------
        spec
            Specification that converts the columns of a table to samples.
        kind
            ``"classification"`` or ``"regression"``; None to infer it from the target's values.

        Raises
        ------
        InputError
            If the target column does not exist, has missing values, or was an input of pre-training.
        """
        return prepare_labeled_records(
            spec,
            self.table,
            self.target,
            test=self.test,
            kind=kind,
            where=self.name,
            where_test=self.test_name,
        )
