"""Domains: how files and values become records.

A new domain is one folder, one line in ``DOMAINS`` and one section of the recipe. The first that claims data has them.
"""

import os
from typing import Any

from contramix.domains.audio.domain import Sounds
from contramix.domains.domain import Domain
from contramix.domains.graph.domain import GraphSets
from contramix.domains.image.domain import Images
from contramix.domains.series.domain import TimeSeries
from contramix.domains.spec import Spec
from contramix.domains.table.domain import Tables
from contramix.domains.text.domain import Texts
from contramix.errors import InputError, nearest

DOMAINS: dict[str, Domain[Any, Any]] = {
    "image": Images(),
    "audio": Sounds(),
    "graph": GraphSets(),
    "text": Texts(),
    "series": TimeSeries(),
    "table": Tables(),
}


def find_domain(path: str | os.PathLike[str], given: str | None = None) -> str:
    """The domain of a file or folder: the one given, or found out from what it holds.

    Raises
    ------
    InputError
        For a domain that is not known.
    """
    if given is None:
        return next(name for name, domain in DOMAINS.items() if domain.claims(path))
    if given not in DOMAINS:
        raise InputError(f"--domain {given!r} is not known; {nearest(given, DOMAINS)}")
    return given


def find_domain_of(values: Any) -> str:
    """The domain of what is given to ``fit``: a path, or Python values."""
    if isinstance(values, str | os.PathLike):
        return find_domain(values)
    return next((name for name, domain in DOMAINS.items() if domain.claims_values(values)), "table")


__all__ = ["DOMAINS", "Domain", "Spec", "find_domain", "find_domain_of"]
