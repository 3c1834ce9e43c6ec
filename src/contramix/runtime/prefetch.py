"""Call functions in background threads before their results are needed."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def prefetch(calls: Iterator[Callable[[], T]], workers: int, max_waiting: int) -> Iterator[T]:
    """Yield the results of function calls in the order of the calls, computed in advance by several threads.

    Parameters
    ----------
    calls
        Functions to call, without arguments. If the iterator raises, all earlier results are yielded before the error
        is raised.
    workers
        Number of threads.
    max_waiting
        Maximum number of calls that are submitted to the threads ahead of the call whose result is yielded next.
    """
    error: Exception | None = None
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[T]] = deque()
        try:
            while True:
                try:
                    waiting.append(pool.submit(next(calls)))
                except StopIteration:
                    break
                except Exception as why:
                    error = why
                    break
                if len(waiting) > max_waiting:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
    if error is not None:
        raise error
