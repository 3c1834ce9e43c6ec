"""Represent the numerical check of a statement, such as an inequality of a theorem, and its expected result."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Expected = Literal["holds", "fails"]
Relation = Literal["<=", ">="]


@dataclass(frozen=True)
class Check:
    """Store the result of a numerical check of a statement: the measured number, its bound and the expected result.

    Parameters
    ----------
    theorem, statement, setting
        Name of the theorem, the statement in words, and a description of the data and networks used for the check.
    expected
        "holds" if the statement should hold; "fails" if it is a misprint of the paper, and should not hold.
    measured, relation, bound
        The statement holds if ``measured <= bound`` or ``measured >= bound``, as ``relation`` says.
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
        """Create a check from several measurements, and store the one that contradicts the expected result most.

        If one measurement is NaN, NaN is stored, and the check fails.

        Parameters
        ----------
        theorem, statement, setting
            Name of the theorem, the statement in words, and a description of the data and networks used for the check.
        measurements
            Measured numbers, at least one.
        relation, bound
            The statement holds if ``measurement <= bound`` or ``measurement >= bound``, as ``relation`` says.
        expected
            "holds" if the statement should hold for all measurements, "fails" if it should hold for none.

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
        """Return whether the measured number satisfies the statement. NaN never satisfies it."""
        return self.measured <= self.bound if self.relation == "<=" else self.measured >= self.bound

    @property
    def ok(self) -> bool:
        """Return whether the check passes: the measurement is not NaN, and the statement holds or fails as expected."""
        return self.measured == self.measured and self.holds == (self.expected == "holds")

    def as_dict(self) -> dict[str, Any]:
        """Return a dictionary for JSON with all fields of the check, and with ``ok``, which is True if it passes.

        A measured number that is NaN or infinite becomes None.
        """
        finite = abs(self.measured) < float("inf")
        return {**asdict(self), "measured": self.measured if finite else None, "ok": self.ok}
