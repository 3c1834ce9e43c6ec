"""The command line: one small file a command. Nothing here imports torch before a command runs."""

import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from contramix.cli.app import app
from contramix.errors import ContramixWarning, InputError, RunError

for command in ("demo", "pretrain", "embed", "evaluate", "recipes", "info"):
    import_module(f"contramix.cli.{command}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 a bug of ours, 2 wrong input, 3 the run could not go on, 130 / 143
    interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    warnings.showwarning = _warn
    warnings.simplefilter("ignore")
    warnings.simplefilter("always", ContramixWarning)
    if "--debug" in given:
        _exit(_run(given))
    try:
        code = _run(given)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except KeyboardInterrupt:
        code = _fail("interrupted", 130)
    except Exception as error:
        code = _explain(error)
    _exit(code)


def _run(given: list[str]) -> int:
    code = app(args=given, standalone_mode=False)
    sys.stdout.flush()
    return code if isinstance(code, int) else 0


def _explain(error: Exception) -> int:
    """One line on stderr, and the exit code that fits."""
    if isinstance(error, InputError):
        return _fail(str(error), 2)
    if isinstance(error, RunError):
        return _fail(str(error), 3)
    if hasattr(error, "exit_code") and not hasattr(error, "format_message"):  # a signal asked the run to stop
        return _fail(str(error), int(error.exit_code))
    if hasattr(error, "format_message"):  # a wrong call
        return _fail(f"{error.format_message()} (contramix --help tells more)", 2)
    if isinstance(error, MemoryError) or "allocate memory" in str(error) or "out of memory" in str(error):
        return _fail("out of memory; try a smaller train.batch_size or encoder.width, or fewer rows", 3)
    if isinstance(error, OSError) and error.filename is not None:
        return _fail(f"{error.filename}: {error.strerror}", 2)
    return _fail(f"a bug of contramix: {type(error).__name__}: {error} (--debug shows where)", 1)


def _fail(message: str, code: int) -> int:
    line = " ".join(message.split())
    print(f"error: {''.join(c if c.isprintable() else '?' for c in line)}", file=sys.stderr)
    return code


def _warn(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    print(f"warning: {message}", file=sys.stderr)


def _exit(code: int) -> None:
    sys.exit(code)
