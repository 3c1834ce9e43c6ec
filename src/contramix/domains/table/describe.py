"""Learn what a table's columns are, from the training rows only."""

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy import ndarray

from contramix.domains.spec import LeftOut
from contramix.domains.table.boolean import Boolean, onehot_runs
from contramix.domains.table.categorical import Categorical, level_names
from contramix.domains.table.column import one_chunk
from contramix.domains.table.columns import AnyColumn
from contramix.domains.table.dates import DateTime, phase, seconds
from contramix.domains.table.numeric import Numeric, normal_quantile
from contramix.domains.table.settings import TableSettings
from contramix.domains.table.spec import TableSpec
from contramix.errors import InputError, nearest

FEW_ROWS = 20
"""Below this many rows nothing is called an identifier: any short column of different values would be one."""
MOST_LEVELS = 10_000
FEW_NOTES = 4
ID_NAME = re.compile(r"(^|[_\W])(id|uuid|guid|key|index|rowid)$|[a-z]I[dD]$", re.IGNORECASE)


def describe(
    table: pa.Table, settings: TableSettings | None = None, target: str | None = None
) -> tuple[TableSpec, tuple[str, ...]]:
    """Learn the columns of a table.

    Parameters
    ----------
    table
        The training rows, as :func:`contramix.domains.table.reading.read` gives them.
    settings
        How columns are read.
    target
        A column that is not an input.

    Returns
    -------
    spec, notes
        What was learned, and a line for each thing the user should know.

    Raises
    ------
    InputError
        If there is no row, no usable column, or a named column does not exist.
    """
    settings = settings or TableSettings()
    names = table.column_names
    for role, wanted in (
        ("--target", () if target is None else (target,)),
        ("table.drop", settings.drop),
        ("table.categorical", settings.categorical),
    ):
        for name in wanted:
            if name not in names:
                raise InputError(f"{role}: there is no column {name!r}; {nearest(name, names)}")
    if table.num_rows < 1:
        raise InputError("the table has no rows")
    left_out: list[LeftOut] = [LeftOut(name=n, reason="left out on request") for n in settings.drop]
    columns: list[AnyColumn] = []
    for name in names:
        if name == target or name in settings.drop:
            continue
        values = one_chunk(table.column(name))
        numbers = name in settings.categorical and not pa.types.is_large_string(values.type)
        if numbers and pa.types.is_timestamp(values.type):
            raise InputError(f"table.categorical: column {name!r} holds dates; only numbers can be called levels")
        found = _column(name, level_names(values) if numbers else values, settings)
        if numbers and isinstance(found, Categorical):
            found = found.model_copy(update={"numbers": True})
        if isinstance(found, LeftOut):
            left_out.append(found)
        else:
            columns.append(found)
    if not columns:
        why = "; ".join(f"{c.name!r} is {c.reason}" for c in left_out[:5])
        raise InputError(f"no column is left to learn from ({why})")
    spec = TableSpec(
        columns=tuple(_group(_ordered(columns), table)),
        left_out=tuple(left_out),
        target=target,
        rows=table.num_rows,
        mixing=settings.mixing,
        infinite=settings.infinite,
    )
    return spec, tuple(_notes([c for c in left_out if c.name not in settings.drop]))


def _notes(left_out: Sequence[LeftOut]) -> list[str]:
    """A line a column that is left out; one for all where many are for the same reason."""
    alike: dict[str, list[LeftOut]] = {}
    for column in left_out:
        alike.setdefault(column.reason.partition(" (")[0], []).append(column)
    notes = []
    for reason, columns in alike.items():
        if len(columns) > FEW_NOTES:
            named = ", ".join(repr(c.name) for c in columns[:8])
            notes.append(f"{len(columns)} columns are left out: {reason}: {named}{', ...' if columns[8:] else ''}")
        else:
            notes += [f"column {c.name!r} is left out: {c.reason}" for c in columns]
    return notes


def _ordered(columns: list[AnyColumn]) -> list[AnyColumn]:
    """Quantities, dates, booleans, one-hot columns, codes; each in the table's order."""

    def rank(column: AnyColumn) -> int:
        if isinstance(column, Categorical):
            return 4 if column.store == "code" else 3
        return {"numeric": 0, "datetime": 1, "boolean": 2}[column.kind]

    return sorted(columns, key=rank)


def _column(name: str, values: pa.Array, settings: TableSettings) -> AnyColumn | LeftOut:
    missing = values.null_count > 0
    if values.null_count == len(values):
        return LeftOut(name=name, reason="empty")
    distinct = pc.count_distinct(values, mode="only_valid").as_py()
    if distinct == 1 and not missing:
        return LeftOut(name=name, reason=f"constant ({_short(values[0].as_py())})")
    if pa.types.is_large_string(values.type):
        return _text(name, values, distinct, settings)
    if pa.types.is_timestamp(values.type):
        return _datetime(name, values, missing)
    if pa.types.is_boolean(values.type):
        return Boolean(name=name, missing=missing)
    numbers = np.array(values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
    infinite = np.isinf(numbers)
    if infinite.any():
        if settings.infinite == "error":
            raise InputError(
                f"column {name!r}, row {int(infinite.argmax()) + 1}: infinite value ({int(infinite.sum())} in "
                "all); mend the data, or set table.infinite = 'missing'"
            )
        missing = True
    seen = numbers[np.isfinite(numbers)]
    if not len(seen):
        return LeftOut(name=name, reason="empty but for infinite values")
    if all(bool(((some == 0) | (some == 1)).all()) for some in (seen[:1000], seen)):
        return Boolean(name=name, missing=missing)
    if _counts_rows(name, seen, distinct, len(values)):
        return LeftOut(name=name, reason="an identifier: whole numbers, each row its own")
    return _numeric(name, seen, missing, settings)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _counts_rows(name: str, seen: ndarray, distinct: int, rows: int) -> bool:
    if rows < FEW_ROWS or distinct < rows or (seen % 1 != 0).any():
        return False
    return bool(seen.max() - seen.min() == rows - 1) or bool(ID_NAME.search(name))


def _numeric(name: str, seen: ndarray, missing: bool, settings: TableSettings) -> Numeric | LeftOut:
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = float(seen.mean()), float(seen.std())
    if not np.isfinite(mean) or not np.isfinite(scale):
        raise InputError(
            f"column {name!r} holds numbers up to {np.abs(seen).max():g}, too large to standardise; "
            "scale the column, take its logarithm, or leave it out with table.drop"
        )
    # Rounding leaves a little spread in a constant column of large numbers.
    if scale <= 1e-14 * abs(mean):
        if not missing:
            rounding = "" if np.ptp(seen) == 0 else " but for rounding"
            return LeftOut(name=name, reason=f"constant{rounding} ({mean:g})")
        scale = 1.0
    scale = scale if scale > 0 else 1.0
    quantiles: tuple[float, ...] = ()
    if settings.numeric == "quantile":
        quantiles = tuple(float(q) for q in np.quantile(seen, np.linspace(0, 1, min(1000, max(10, len(seen))))))
        ends = normal_quantile(np.array([seen.min(), seen.max()]), quantiles)
    else:
        ends = (np.array([seen.min(), seen.max()]) - mean) / scale
    return Numeric(
        name=name,
        missing=missing,
        mean=mean,
        scale=scale,
        low=float(ends[0]),
        high=float(ends[1]),
        quantiles=quantiles,
    )


def _datetime(name: str, values: pa.Array, missing: bool) -> DateTime | LeftOut:
    moments = values.drop_null()
    when = seconds(moments)
    mean, scale = float(when.mean()), float(when.std())
    if scale == 0:
        scale = 1.0
    cycles = [cycle for cycle in ("year", "week", "day") if np.ptp(phase(moments, cycle)) > 0]
    return DateTime.model_validate(
        {
            "name": name,
            "missing": missing,
            "mean": mean,
            "scale": scale,
            "low": float((when.min() - mean) / scale),
            "high": float((when.max() - mean) / scale),
            "cycles": tuple(cycles),
        }
    )


def _text(name: str, values: pa.Array, distinct: int, settings: TableSettings) -> Categorical | LeftOut:
    counts = pc.value_counts(values.drop_null())
    seen = len(values) - values.null_count
    if distinct > max(settings.onehot_levels, FEW_ROWS) and distinct > seen / 2:
        texts = counts.field("values")
        words = pc.mean(pc.count_substring(texts, " ")).as_py() + 1
        if words >= 3:
            return LeftOut(name=name, reason="free text: embed it with a text model and join the result")
        if distinct > 0.9 * seen:
            return LeftOut(name=name, reason="an identifier: nearly each row has its own")
    levels = dict(zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist()))
    if distinct <= settings.onehot_levels:
        return Categorical(name=name, missing=values.null_count > 0, levels=tuple(sorted(levels)))
    # Levels seen once share the code of levels never seen, which so is trained.
    often = sorted((level for level, n in levels.items() if n > 1), key=lambda level: (-levels[level], level))
    if not often:
        return LeftOut(name=name, reason="an identifier: each row has its own")
    return Categorical(
        name=name, missing=values.null_count > 0, levels=tuple(sorted(often[:MOST_LEVELS])), store="code"
    )


def _group(columns: Sequence[AnyColumn], table: pa.Table) -> list[AnyColumn]:
    """Number the booleans that are one-hot groups."""
    found = list(columns)
    places = [n for n, c in enumerate(columns) if isinstance(c, Boolean) and not c.missing]
    held = {n: np.asarray(table.column(columns[n].name).cast(pa.int8())).astype(np.int8) for n in places}
    for number, run in enumerate(onehot_runs(places, held)):
        for n in run:
            found[n] = columns[n].model_copy(update={"group": number})
    return found
