"""Convert data frames, arrays, tensors and lists of rows to Arrow tables."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from contramix.errors import InputError, printable
from contramix.io.tables.canonical import check_names, to_canonical

MAX_DENSE_CELLS = 100_000_000
"""Maximum number of cells of a sparse matrix that is converted to a dense one."""

_ACCEPTED = "pandas, polars or Arrow tables, 2-D numpy arrays, torch tensors, sparse matrices and lists of rows"


def to_arrow(X: Any) -> pa.Table:
    """Convert a data frame, array, tensor or list of rows to an Arrow table with canonical column types.

    Parameters
    ----------
    X : table of n rows and d columns
        A pandas or polars data frame (or another type of data frame that narwhals supports), a pyarrow Table or
        RecordBatch, a numpy array (2-D, also masked, or 1-D with named fields), a 2-D torch tensor, a scipy sparse
        matrix of at most ``MAX_DENSE_CELLS`` cells, or a list of rows. The row index of pandas is dropped.

    Returns
    -------
    pyarrow.Table
        The table, with one chunk per column. `contramix.io.tables.canonical` lists the column types. Columns without
        names are named ``x0, x1, ...``.

    Raises
    ------
    InputError
        If X is not a table, has no columns, has two columns with the same name, or has a column of an unsupported
        type. The message names the column.

    Examples
    --------
    >>> to_arrow([[1, "red"], [2, None]]).to_pydict()
    {'x0': [1, 2], 'x1': ['red', None]}
    """
    shape = getattr(X, "shape", ())
    if isinstance(shape, tuple) and len(shape) == 2 and shape[1] == 0:
        raise InputError(f"0 feature(s) (shape={tuple(shape)}) while a minimum of 1 is required")
    if isinstance(X, pa.RecordBatch):
        X = pa.Table.from_batches([X])
    if isinstance(X, pa.Table):
        return to_canonical(drop_pandas_index(X)[0])
    try:
        frame = nw.from_native(X, pass_through=True)
    except nw.exceptions.DuplicateError:
        check_names(list(X.columns))
        raise
    if isinstance(frame, nw.LazyFrame):
        raise InputError(f"a lazy frame ({type(X).__name__}) holds no rows yet: call its collect() first")
    if isinstance(frame, nw.DataFrame):
        return to_canonical(_from_frame(frame))
    return to_canonical(from_array(_dense(X)))


def drop_pandas_index(table: pa.Table) -> tuple[pa.Table, tuple[str, ...]]:
    """Drop the columns in which pandas stored its row index, according to the metadata of the table.

    Return the remaining table, and the names of the dropped columns.

    Examples
    --------
    >>> drop_pandas_index(pa.table({"a": [1]}))[1]
    ()
    """
    try:
        stored = (table.schema.pandas_metadata or {}).get("index_columns", [])
    except (ValueError, AttributeError):  # metadata that is not pandas' JSON
        stored = []
    names = tuple(name for name in stored if isinstance(name, str) and table.column_names.count(name) == 1)
    return table.drop_columns(list(names)), names


def _from_frame(frame: "nw.DataFrame[Any]") -> pa.Table:
    names = check_names(frame.columns)
    return pa.table([_from_series(name, s) for name, s in zip(names, frame.iter_columns(), strict=True)], names)


def _from_series(name: str, series: "nw.Series[Any]") -> pa.Array:
    if series.dtype == nw.Object:
        return _from_objects(name, series.to_list())
    try:
        return series.to_arrow()
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise _unusable(name, f"{series.dtype} cannot be used ({error})") from None


def _dense(X: Any) -> Any:
    """Convert a sparse matrix, a tensor or another array-like object to a dense numpy array.

    A sequence that is no array, such as a tuple of rows, becomes a list. InputError is raised for all other objects.
    """
    sparse, torch = sys.modules.get("scipy.sparse"), sys.modules.get("torch")
    if sparse is not None and sparse.issparse(X):
        _check_cells(X.shape)
        return X.toarray()
    if torch is not None and isinstance(X, torch.Tensor):
        return _from_tensor(X.detach(), torch)
    if isinstance(X, np.ndarray):
        return X
    if isinstance(X, Sequence) and not isinstance(X, str | bytes):
        return list(X)
    if hasattr(X, "__array__"):
        return np.asarray(X)
    raise InputError(f"a table cannot be made of {type(X).__name__}: give one of {_ACCEPTED}")


def _from_tensor(tensor: Any, torch: Any) -> Any:
    if tensor.layout != torch.strided:
        _check_cells(tensor.shape)
        tensor = tensor.to_dense()
    if tensor.is_floating_point():  # numpy has no bfloat16, and the canonical type of floats is float64
        tensor = tensor.to(torch.float64)
    return tensor.cpu().resolve_conj().resolve_neg().numpy()


def _check_cells(shape: Iterable[int]) -> None:
    cells = int(np.prod([int(n) for n in shape], dtype=object))
    if cells > MAX_DENSE_CELLS:
        raise InputError(
            f"a sparse matrix of {cells} cells is not made dense (limit {MAX_DENSE_CELLS}): "
            "reduce it first, for example with sklearn.decomposition.TruncatedSVD"
        )


def from_array(X: Any) -> pa.Table:
    """Convert a numpy array or a list of rows to an Arrow table without changing the column types.

    Columns are named ``x0, x1, ...``, or by the field names of a structured array.

    Raises
    ------
    InputError
        If the array is not 2-D, the rows differ in length, or a column has an unsupported type.
    """
    if isinstance(X, list):
        return _from_rows(X)
    if X.dtype.names is not None and X.ndim == 1:
        names = check_names(X.dtype.names)
        return pa.table([_from_vector(name, X[name]) for name in names], names)
    if X.ndim != 2:
        raise InputError(
            f"expected a 2-D array, got {X.ndim}-D of shape {X.shape}: "
            "reshape(-1, 1) makes one column, reshape(1, -1) one row"
        )
    names = check_names([f"x{j}" for j in range(X.shape[1])])
    return pa.table([_from_vector(name, X[:, j]) for j, name in enumerate(names)], names)


def _from_rows(rows: list[Any]) -> pa.Table:
    if not rows:
        raise InputError("0 rows: give at least one")
    if not all(isinstance(row, Sequence | np.ndarray) and not isinstance(row, str | bytes) for row in rows):
        raise InputError("expected a list of rows, each a list of cells (a 2-D table), got a list of something else")
    for i, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise InputError(f"row {i + 1} has {len(row)} cells and row 1 has {len(rows[0])}: make them the same")
    names = check_names([f"x{j}" for j in range(len(rows[0]))])
    columns = (_from_objects(name, list(cells)) for name, cells in zip(names, zip(*rows, strict=True), strict=True))
    return pa.table(list(columns), names)


def _from_vector(name: str, x: Any) -> pa.Array:
    if x.ndim != 1:
        raise _unusable(name, f"cells of shape {x.shape[1:]} cannot be used")
    if x.dtype.kind == "c":
        raise _unusable(name, "Complex data not supported: give the real and the imaginary part as two columns")
    if x.dtype.kind in "OT":
        return _from_objects(name, x.tolist())
    if x.dtype.kind == "f" and x.dtype.itemsize > 8:
        x = x.astype(np.float64)
    if not x.dtype.isnative:
        x = x.astype(x.dtype.newbyteorder("="))
    try:
        return pa.array(x, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise _unusable(name, f"{x.dtype} cannot be used ({error})") from None


def _from_objects(name: str, cells: list[Any]) -> pa.Array:
    """Convert the cells (Python objects) of the column ``name`` to an Arrow array. None, NaN, NaT and NA become null.

    Raises
    ------
    InputError
        If the cells have types that Arrow cannot combine, such as numbers and text.
    """
    kinds = {type(cell) for cell in cells if not _is_missing(cell)}
    flags = {kind for kind in kinds if issubclass(kind, bool | np.bool_)}
    try:
        if flags and kinds - flags:
            raise TypeError("booleans mixed with other values")
        return pa.array(cells, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        found = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise _unusable(name, f"cells of mixed or unknown types ({found}): make them one type ({error})") from None


def _is_missing(cell: Any) -> bool:
    if isinstance(cell, float):
        return cell != cell
    return cell is None or type(cell).__name__ in ("NAType", "NaTType")


def _unusable(name: str, why: str) -> InputError:
    return InputError(f"column '{printable(name, 60)}': {printable(' '.join(why.split()), 300)}")
