"""Limit the threads of numerical libraries where the work is too small for several of them."""

from contextlib import AbstractContextManager
from functools import cache
from typing import Any, Literal

from threadpoolctl import ThreadpoolController


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


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # finding the libraries takes longer than a small fit
