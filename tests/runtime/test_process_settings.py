"""Test settings of the process: garbage collection during imports, and memory allocation."""

import gc
import subprocess
import sys

import pytest

import contramix
import contramix.errors

FREED = """
import ctypes, resource, sys
from contramix.runtime.memory import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
size = 2 ** 23
def use():
    block = ctypes.CDLL(None).malloc
    block.restype = ctypes.c_void_p
    block.argtypes = [ctypes.c_size_t]
    free = ctypes.CDLL(None).free
    free.argtypes = [ctypes.c_void_p]
    place = block(size)
    ctypes.memset(place, 1, size)
    free(place)
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.parametrize("collecting", [True, False])
def test_garbage_collection_is_as_it_was_after_an_import(monkeypatch, collecting):
    seen = []
    monkeypatch.setattr(contramix, "import_module", lambda name: seen.append(gc.isenabled()) or contramix.errors)
    before = gc.isenabled()
    (gc.enable if collecting else gc.disable)()
    try:
        assert contramix.InputError is contramix.errors.InputError
        with pytest.raises(AttributeError):
            contramix.load
        assert gc.isenabled() == collecting
    finally:
        (gc.enable if before else gc.disable)()
    assert seen == [False, False]


def test_freed_memory_is_used_again_without_new_pages():
    faults = {}
    for how in ("kept", "given back"):
        ended = subprocess.run([sys.executable, "-c", FREED, how], capture_output=True, text=True, check=True)
        faults[how] = int(ended.stdout)
    if faults["given back"] < 1000:
        pytest.skip("the C library keeps freed memory by itself")
    assert faults["kept"] < 100
