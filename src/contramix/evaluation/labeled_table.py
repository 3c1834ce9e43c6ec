"""Define a table with a target column, and an official test split if the data set has one."""

from dataclasses import dataclass

import pyarrow as pa

from contramix.domains import Spec
from contramix.errors import InputError
from contramix.models.labeled_records import LabeledRecords, prepare_labeled_records
from contramix.models.task import Kind


@dataclass(frozen=True)
class LabeledTable:
    """Collect the labeled data of a comparison: training rows, test rows, and the name of the target column.

    Parameters
    ----------
    table
        Rows without those of an official test split. Rows whose target is missing serve pre-training and the statistics
        of columns; probes leave them out.
    target
        Name of the column to predict.
    test
        Rows of an official test split; rows whose target is missing are left out. If None, the comparison holds out
        rows of ``table``.
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

    @property
    def notes(self) -> list[str]:
        """Return a sentence on the test rows that are left out because their target is missing, if there are any."""
        if self.test is None or self.target not in self.test.column_names:
            return []
        missing = self.test.column(self.target).null_count
        left_out = f"{missing:,} of {self.test.num_rows:,} test rows have no {self.target!r} and are left out"
        return [left_out] if missing else []

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
            If the target column does not exist, is missing in all rows, or was an input of pre-training.
        """
        test = self.test
        if test is not None and self.target in test.column_names and test.column(self.target).null_count:
            test = test.filter(test.column(self.target).is_valid())
        return prepare_labeled_records(
            spec,
            self.table,
            self.target,
            test=test,
            kind=kind,
            where=self.name,
            where_test=self.test_name,
        )


def append_unlabeled(table: pa.Table, more: pa.Table, target: str | None, where: str) -> pa.Table:
    """Append further rows for pre-training to a table; their target is missing, even if ``more`` has values of it.

    Parameters
    ----------
    table
        Rows with and without a target.
    more
        Rows to append. They have all columns of ``table``, except perhaps the target; other columns are left out.
    target
        Name of the target column; None: there is none.
    where
        Name of ``more`` in error messages.

    Raises
    ------
    InputError
        If ``more`` lacks a column, or has a column of another type.
    """
    names = [name for name in table.column_names if name != target]
    for name in names:
        if name not in more.column_names:
            raise InputError(f"{where}: missing column {name!r}")
    try:
        return pa.concat_tables([table, more.select(names)], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InputError(f"{where}: a column has another type than in the data: {error}") from error
