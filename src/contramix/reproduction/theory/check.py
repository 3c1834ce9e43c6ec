"""What a check of a statement is, and whether its result is as it should be."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Expected = Literal["holds", "fails"]
Relation = Literal["<=", ">="]


@dataclass(frozen=True)
class Check:
    """A statement, what was computed for it, and what should come out.

    Parameters
    ----------
    theorem, statement, setting
        Of which theorem, what it says, and on what it was checked.
    expected
        Whether the statement should hold; a misprint should fail.
    measured, relation, bound
        The statement holds if ``measured <relation> bound``. Of several settings ``measured`` is the one nearest to
        what is not expected.
    """

    theorem: str
    statement: str
    setting: str
    expected: Expected
    measured: float
    relation: Relation
    bound: float

    @classmethod
    def of(
        cls,
        theorem: str,
        statement: str,
        setting: str,
        measured: Iterable[float],
        relation: Relation,
        bound: float,
        expected: Expected = "holds",
    ) -> "Check":
        """A check of several settings, judged by its worst.

        Examples
        --------
        >>> Check.of("1", "small", "two", [1.0, 2.0], "<=", 1.5).ok
        False
        >>> Check.of("1", "small", "two", [2.0, 3.0], "<=", 1.5, "fails").ok
        True
        """
        worst = max if (relation == "<=") == (expected == "holds") else min
        values = list(measured)
        # Not a number is worse than any.
        found = next((value for value in values if value != value), worst(values))
        return cls(theorem, statement, setting, expected, found, relation, bound)

    @property
    def holds(self) -> bool:
        """Whether the statement holds; one about what is not a number does not."""
        return self.measured <= self.bound if self.relation == "<=" else self.measured >= self.bound

    @property
    def ok(self) -> bool:
        """Whether it came out as it should."""
        return self.measured == self.measured and self.holds == (self.expected == "holds")

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        finite = abs(self.measured) < float("inf")
        return {**asdict(self), "measured": self.measured if finite else None, "ok": self.ok}
