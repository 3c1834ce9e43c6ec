"""Limit the threads of numerical libraries where the work is too small for several of them."""

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, Literal

from threadpoolctl import ThreadpoolController

FEW_ROWS = 1000
"""Maximum number of rows for which :func:`one_thread_for_few` limits the threads."""


def one_thread(libraries: Literal["blas", "openmp"]) -> AbstractContextManager[Any]:
    """Return a context manager in which libraries use one thread.

    Threads that wait for each other on a busy processor core can take several times as long as one thread. Libraries
    that are loaded after the first call are not limited.

    Parameters
    ----------
    libraries
        ``"blas"`` for matrix products of NumPy and SciPy, ``"openmp"`` for loops of scikit-learn.
    """
    limited: AbstractContextManager[Any] = _controller().limit(limits=1, user_api=libraries)
    return limited


def one_thread_for_few(rows: int, libraries: Literal["blas", "openmp"] = "blas") -> AbstractContextManager[Any]:
    """Return a context manager in which libraries use one thread if there are at most 1,000 rows.

    Use it around a whole fit, because setting the limit takes longer than a small matrix product.
    """
    return one_thread(libraries) if rows <= FEW_ROWS else nullcontext()


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # finding the libraries takes longer than a small fit
