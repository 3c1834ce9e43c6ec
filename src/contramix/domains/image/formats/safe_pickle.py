"""Read plain values and byte arrays from a pickle by its opcodes, without calling anything in it.

The python layout of CIFAR is such a pickle. Dicts, lists, tuples, text, bytes, numbers and numpy arrays of unsigned
bytes are rebuilt; anything else is an error.
"""

import pickletools
from typing import Any, NamedTuple

import numpy as np

from contramix.errors import InputError

_ARRAYS = ("numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct")
_PLAIN = {
    "BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "BINUNICODE",
    "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
}  # fmt: skip
_OLD_STRINGS = {"STRING", "BINSTRING", "SHORT_BINSTRING"}
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_NOTHING = {"PROTO", "FRAME", "STOP"}
_MARK = object()


class _Name(NamedTuple):
    """Hold the module and name of an object that the pickle would import, such as ``"numpy ndarray"``."""

    name: str


class _Array:
    """Represent a numpy array of the pickle. Its value is None until the opcode with shape and content is read."""

    value: np.ndarray | None = None


def plain_values(data: bytes, source: str) -> Any:
    """Return the object in a pickle, such as a dict of lists and arrays, without executing anything in the pickle.

    ``source`` is the name of the file in error messages.

    Raises
    ------
    InputError
        If the pickle is damaged, or holds anything but dicts, lists, tuples, text, bytes, numbers and numpy arrays of
        unsigned bytes.
    """
    try:
        values = _walk(data)
    except _Refused as error:
        raise InputError(
            f"{source}: a pickle that would {error}, which is never done: save the arrays as npz"
        ) from None
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, UnicodeError, OverflowError, MemoryError):
        raise InputError(f"{source}: truncated or damaged: copy the file again") from None
    return _finished(values)


class _Refused(Exception):  # noqa: N818 - says what was refused
    """Report an action of the pickle that is not allowed. The message completes "a pickle that would ..."."""


def _walk(data: bytes) -> Any:
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    argument: Any
    for opcode, argument, _ in pickletools.genops(data):
        name = opcode.name
        if name in _PLAIN:
            stack.append(argument)
        elif name in _OLD_STRINGS:
            stack.append(argument.encode("latin-1"))
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name == "MARK":
            stack.append(_MARK)
        elif name in ("EMPTY_DICT", "EMPTY_LIST"):
            stack.append({} if name == "EMPTY_DICT" else [])
        elif name in ("DICT", "LIST", "TUPLE"):
            stack.append(_collected(name, _above_mark(stack)))
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            count = int(name[-1])
            stack[-count:] = [tuple(stack[-count:])]
        elif name in ("APPEND", "APPENDS"):
            values = _above_mark(stack) if name == "APPENDS" else [stack.pop()]
            _expect(stack[-1], list).extend(values)
        elif name in ("SETITEM", "SETITEMS"):
            values = _above_mark(stack) if name == "SETITEMS" else [stack.pop(-2), stack.pop()]
            _expect(stack[-1], dict).update(zip(values[::2], values[1::2], strict=True))
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name == "GLOBAL":
            stack.append(_Name(argument))
        elif name == "STACK_GLOBAL":
            stack[-2:] = [_Name(f"{stack[-2]} {stack[-1]}")]
        elif name == "REDUCE":
            stack[-2:] = [_stands_for(stack[-2], stack[-1])]
        elif name == "BUILD":
            _set_state(stack[-2], stack.pop())
        elif name not in _NOTHING:
            raise _Refused(f"do {name}")
    (value,) = stack
    return value


def _above_mark(stack: list[Any]) -> list[Any]:
    at = max(place for place, value in enumerate(stack) if value is _MARK)
    values = stack[at + 1 :]
    del stack[at:]
    return values


def _collected(name: str, values: list[Any]) -> Any:
    if name == "DICT":
        return dict(zip(values[::2], values[1::2], strict=True))
    return values if name == "LIST" else tuple(values)


def _expect(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError
    return value


def _stands_for(called: Any, arguments: tuple[Any, ...]) -> Any:
    """Return the result of a function call in the pickle, without calling the function.

    The only calls allowed are those in numpy's pickles of arrays of unsigned bytes: creating an empty array, which
    returns an `_Array`, creating a dtype, and encoding text as Latin-1.

    Raises
    ------
    _Refused
        If the pickle calls another function.
    """
    if not isinstance(called, _Name):
        raise TypeError
    if called.name in _ARRAYS and arguments[0] == _Name("numpy ndarray"):
        return _Array()
    if called.name == "numpy dtype" and arguments[0] in ("u1", b"u1"):
        return np.dtype(np.uint8)
    if called.name == "_codecs encode" and arguments[1] in ("latin1", b"latin1"):
        return str(arguments[0]).encode("latin-1")
    raise _Refused(f"call {called.name.replace(' ', '.')[:60]!r}")


def _set_state(thing: Any, state: tuple[Any, ...]) -> None:
    if isinstance(thing, np.dtype):
        return  # of bytes: there is nothing to set
    if not isinstance(thing, _Array):
        raise TypeError
    _, shape, kind, fortran, content = state
    if kind != np.uint8:
        raise TypeError
    thing.value = np.frombuffer(content, np.uint8).reshape(shape, order="F" if fortran else "C")


def _finished(values: Any) -> Any:
    """Replace each `_Array` among the values of a dict by its numpy array. Return anything but a dict unchanged."""
    if not isinstance(values, dict):
        return values
    return {key: value.value if isinstance(value, _Array) else value for key, value in values.items()}
