"""Register the domains, which are the supported kinds of data: images, audio, graphs, text, time series and tables.

To add a domain, write a folder that exports a :class:`~contramix.domains.domain.Domain` named ``DOMAIN``, and add a
line to ``DOMAINS``. Data belong to the first domain in ``DOMAINS`` that recognizes them.
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
    """Return the name of the domain (kind of data) of a file or folder, such as ``"image"``.

    Parameters
    ----------
    path
        The file or folder.
    given
        Name of the domain that the user chose. It is returned unchanged if it is valid. If None, the domain is
        inferred from the file or folder.

    Raises
    ------
    InputError
        If ``given`` is not the name of a domain.
    """
    if given is None:
        return next(name for name, domain in DOMAINS.items() if domain.recognizes(path))
    if given not in DOMAINS:
        raise InputError(f"`domain` {given!r} is not known; {nearest(given, DOMAINS)}")
    return given


def find_domain_of_values(values: Any) -> str:
    """Infer the domain (kind of data) of the data passed to ``fit``, and return its name, such as ``"image"``.

    Parameters
    ----------
    values
        The path of a file or folder, or Python values such as an array, a list of strings or a data frame. The
        result is ``"table"`` if no other domain recognizes the values.
    """
    if isinstance(values, str | os.PathLike):
        return find_domain(values)
    return next((name for name, domain in DOMAINS.items() if domain.recognizes_values(values)), "table")


__all__ = ["DOMAINS", "ContentColumn", "Domain", "Spec", "find_domain", "find_domain_of_values"]
