"""Test that prefetched results keep their order, are limited in number, and precede an error."""

import time

import pytest

from contramix.errors import InputError
from contramix.runtime.prefetch import prefetch


def test_what_was_made_before_an_error_comes_first():
    def calls():
        yield lambda: 1
        yield lambda: 2
        raise InputError("row 3")

    for workers in (1, 2, 8):
        found = prefetch(calls(), workers, workers)
        assert [next(found), next(found)] == [1, 2]
        with pytest.raises(InputError, match="row 3"):
            next(found)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_calls_give_in_their_order_and_no_more_wait_than_there_are_workers(workers):
    begun = []

    def calls():
        for n in range(20):
            begun.append(n)
            yield lambda n=n: (time.sleep(0.001 * (n % 3)), n)[1]

    for n, value in enumerate(prefetch(calls(), workers, workers)):
        assert value == n
        assert len(begun) <= n + workers + 1
