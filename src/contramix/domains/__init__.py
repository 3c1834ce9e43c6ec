"""Domains: kinds of data, and how files and Python values of each become records.

A new domain is a folder that exports a literal ``DOMAIN``, and one line in ``DOMAINS``. The order matters: data belong
to the first domain that recognizes them.
"""

import os
from typing import Any

from contramix.domains import audio, graph, image, series, table, text
from contramix.domains.content_column import ContentColumn
from contramix.domains.domain import Domain
from contramix.domains.spec import Spec
from contramix.errors import InputError, nearest

DOMAINS: dict[str, Domain[Any, Any]] = {
    "image": image.DOMAIN,
    "audio": audio.DOMAIN,
    "graph": graph.DOMAIN,
    "text": text.DOMAIN,
    "series": series.DOMAIN,
    "table": table.DOMAIN,
}


def find_domain(path: str | os.PathLike[str], given: str | None = None) -> str:
    """Return the name of the domain of a file or folder.

    Parameters
    ----------
    path
        The file or folder.
    given
        The domain that the user named. If None, it is inferred from what the file or folder holds.

    Raises
    ------
    InputError
        If there is no domain of the given name.
    """
    if given is None:
        return next(name for name, domain in DOMAINS.items() if domain.recognizes(path))
    if given not in DOMAINS:
        raise InputError(f"`domain` {given!r} is not known; {nearest(given, DOMAINS)}")
    return given


def find_domain_of_values(values: Any) -> str:
    """Return the name of the domain of what was passed to ``fit``: a path, or Python values."""
    if isinstance(values, str | os.PathLike):
        return find_domain(values)
    return next((name for name, domain in DOMAINS.items() if domain.recognizes_values(values)), "table")


__all__ = ["DOMAINS", "ContentColumn", "Domain", "Spec", "find_domain", "find_domain_of_values"]
