"""Represent a numerical check of a statement, and whether its result is the expected one."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Expected = Literal["holds", "fails"]
Relation = Literal["<=", ">="]


@dataclass(frozen=True)
class Check:
    """Hold a statement, the number computed for it, and the expected result.

    Parameters
    ----------
    theorem, statement, setting
        The theorem's name, the statement, and the data and networks that it was checked on.
    expected
        "holds" if the statement is expected to hold; "fails" for a misprint of the paper.
    measured, relation, bound
        The statement holds if ``measured <relation> bound``.
    """

    theorem: str
    statement: str
    setting: str
    expected: Expected
    measured: float
    relation: Relation
    bound: float

    @classmethod
    def from_measurements(
        cls,
        theorem: str,
        statement: str,
        setting: str,
        measurements: Iterable[float],
        relation: Relation,
        bound: float,
        expected: Expected = "holds",
    ) -> "Check":
        """Make one check from several measurements, and keep the one that contradicts the expected result most.

        NaN contradicts any expected result.

        Examples
        --------
        >>> Check.from_measurements("1", "small", "two", [1.0, 2.0], "<=", 1.5).ok
        False
        >>> Check.from_measurements("1", "small", "two", [2.0, 3.0], "<=", 1.5, "fails").ok
        True
        """
        worst = max if (relation == "<=") == (expected == "holds") else min
        values = list(measurements)
        measured = next((value for value in values if value != value), worst(values))
        return cls(theorem, statement, setting, expected, measured, relation, bound)

    @property
    def holds(self) -> bool:
        """Return whether the statement holds. It does not if the measurement is NaN."""
        return self.measured <= self.bound if self.relation == "<=" else self.measured >= self.bound

    @property
    def ok(self) -> bool:
        """Return whether the statement holds or fails as expected."""
        return self.measured == self.measured and self.holds == (self.expected == "holds")

    def as_dict(self) -> dict[str, Any]:
        """Return the fields and ``ok`` as values that JSON can hold: None in place of NaN or infinity."""
        finite = abs(self.measured) < float("inf")
        return {**asdict(self), "measured": self.measured if finite else None, "ok": self.ok}
