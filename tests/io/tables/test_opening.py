"""Streams that Arrow's threads read are let go of before the interpreter ends."""

import io
import threading
import time

from contramix.io.tables import opening


def test_the_end_waits_for_threads_that_hold_a_stream():
    stream = io.BytesIO(b"a,b\n1,2\n")
    native = opening.to_arrow_stream(stream)
    assert native.read() == b"a,b\n1,2\n"
    held, ready = [native], threading.Event()
    del stream, native

    def later():
        ready.set()
        time.sleep(0.2)
        held.clear()

    thread = threading.Thread(target=later)
    thread.start()
    ready.wait()
    opening.wait_for_arrow(seconds=30.0)
    assert not held
    thread.join()


def test_a_stream_that_stays_is_waited_for_only_so_long():
    stream = io.BytesIO()
    native = opening.to_arrow_stream(stream)
    opening.wait_for_arrow(seconds=0.01)
    assert native is not None
