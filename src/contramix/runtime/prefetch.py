"""Work that goes on in other threads while what was made is used, its results in order."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def side_by_side(calls: Iterator[Callable[[], T]], workers: int, most: int) -> Iterator[T]:
    """What calls give, in their order, made by some threads; at most so many wait to be taken. Where an error ends the
    calls, what was made before it comes first."""
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
                if len(waiting) > most:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
    if error is not None:
        raise error
