"""Plain models of a domain's own: what its practitioners would try first, on records as they are.

A new one is one function in a file of its own, one line in ``PLAIN``, one in ``comparison.BASELINES`` that says what
it is, and its name among the ``baselines`` of its domain.
"""

from contramix.evaluation.domain_baselines.predictor import Plain, Whole
from contramix.evaluation.domain_baselines.rocket import rocket
from contramix.evaluation.domain_baselines.tfidf import tfidf
from contramix.evaluation.domain_baselines.wl import wl

PLAIN: dict[str, Plain] = {
    "wl": wl,
    "tfidf": tfidf,
    "rocket": rocket,
}

__all__ = ["PLAIN", "Plain", "Whole"]
