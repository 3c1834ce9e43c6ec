"""Hold a table with a target column, and an official test split if the data has one."""

from dataclasses import dataclass

import pyarrow as pa

from contramix.domains import Spec
from contramix.models.labeled_records import LabeledRecords, prepare_labeled_records
from contramix.models.task import Kind


@dataclass(frozen=True)
class LabeledTable:
    """Hold the data of a comparison.

    Parameters
    ----------
    table
        Labeled rows.
    target
        Name of the column to predict.
    test
        Rows of the official test split; None where a fifth of the rows is held out for each seed.
    extra_rows
        Further rows, without labels, from which the statistics of the columns are learned too when a recipe is
        pre-trained (a transductive protocol).
    name, test_name
        Names of the rows and of the test rows in error messages.
    """

    table: pa.Table
    target: str
    test: pa.Table | None = None
    extra_rows: pa.Table | None = None
    name: str = "data"
    test_name: str = "test data"

    def encode(self, spec: Spec, kind: Kind | None = None) -> LabeledRecords:
        """Return the rows as samples and encoded targets.

        Parameters
        ----------
        spec
            Specification of the columns, by which rows become samples.
        kind
            Kind of the task; None to tell it from the target's values.

        Raises
        ------
        InputError
            If the target is not there, has missing values, or was an input of pre-training.
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
