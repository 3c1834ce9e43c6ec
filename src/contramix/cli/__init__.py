"""Run the command line, and turn errors into messages and exit codes.

Each command is a module of this package. Modules import torch only when their command runs, so that help is fast.
"""

import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, TextIO, cast

from contramix.cli import torchrun
from contramix.cli.app import app
from contramix.cli.flags import with_flags
from contramix.errors import ContramixWarning, InputError, RunError
from contramix.runtime.atomic_files import NO_SPACE
from contramix.runtime.memory import keep_freed_memory
from contramix.runtime.terminal import one_line

INTERRUPTED = 130
"""Exit code after Ctrl-C, as in shells: 128 plus the number of the signal."""

for command in (
    "demo",
    "pretrain",
    "embed",
    "evaluate",
    "compare",
    "tune",
    "fit",
    "predict",
    "report",
    "recipes",
    "info",
    "reproduce",
    "verify_theory",
):
    import_module(f"contramix.cli.{command}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit.

    The exit code is 0 for success, 1 for a bug in contramix, 2 for invalid input, 3 if the command could not be
    completed, and 130 or 143 if it was interrupted.

    Parameters
    ----------
    arguments
        Arguments after the program's name. None: ``sys.argv[1:]``.
    """
    # OpenMP threads that wait for each other spin, which is slow where another program occupies a core. This lets them
    # sleep soon (docs/adr/0008). It takes effect only if it is set before torch is imported.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    keep_freed_memory()
    given = list(sys.argv[1:] if arguments is None else arguments)
    _prepare_streams()
    warnings.showwarning = _print_warning
    warnings.simplefilter("ignore")
    warnings.simplefilter("always", ContramixWarning)
    try:
        if torchrun.is_distributed():
            with torchrun.joined_processes(given or ["--help"]):
                code = _run(given)
        else:
            code = _run(given or ["--help"])
        if code == INTERRUPTED:  # typer has turned it into an exit code
            _print_error("interrupted", code)
    except BrokenPipeError:
        _discard_stdout()
        code = 0
    except KeyboardInterrupt:
        code = _print_error("interrupted", INTERRUPTED)
    except Exception as error:
        if "--debug" in given:
            traceback.print_exc()
        code = _report_error(error)
    sys.exit(code)


def _run(given: list[str]) -> int:
    """Run the command that the command-line arguments ``given`` name, and return its exit code."""
    code = app(args=given, prog_name="contramix", standalone_mode=False)
    sys.stdout.flush()
    return code if isinstance(code, int) else 0


class _Stderr:
    """Wrap standard error so that failed writes (to a closed pipe or a full disk) are ignored and do not stop a run."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _prepare_streams() -> None:
    """Make standard output and standard error safe to write to.

    Closed streams are replaced with the null device. Characters that the encoding lacks are written as escape
    sequences. Failed writes to standard error are ignored.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - open until the process ends
        if hasattr(getattr(sys, name), "reconfigure"):
            getattr(sys, name).reconfigure(errors="backslashreplace")
    if not isinstance(sys.stderr, _Stderr):
        sys.stderr = cast(TextIO, _Stderr(sys.stderr))


def _discard_stdout() -> None:
    """Redirect standard output to the null device, so that flushing its buffer at exit does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report_error(error: Exception) -> int:
    """Print an error as one line on standard error, and return the exit code of the process, such as 2."""
    if torchrun.is_lost_process(error):
        return _print_error(
            "another process of this run has ended or does not respond; run the same command again to resume from the "
            "last checkpoint",
            3,
        )
    if isinstance(error, InputError):
        return _print_error(str(error), 2)
    if isinstance(error, RunError):
        return _print_error(str(error), 3)
    if hasattr(error, "exit_code") and not hasattr(error, "format_message"):  # a signal asked the run to stop
        return _print_error(str(error), int(error.exit_code))
    if hasattr(error, "format_message"):  # a wrong call
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "contramix"
        return _print_error(f"{error.format_message()} (see {command} --help)", 2)
    if isinstance(error, MemoryError) or "allocate memory" in str(error) or "out of memory" in str(error):
        return _print_error("out of memory; try a smaller train.batch_size or encoder.width, or fewer rows", 3)
    if isinstance(error, OSError) and error.filename is not None:
        return _print_error(f"{os.fsdecode(error.filename)}: {error.strerror}", 2)
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        _discard_stdout()
        return _print_error("no space left for standard output", 3)
    return _print_error(f"a bug of contramix: {type(error).__name__}: {error} (--debug shows the traceback)", 1)


def _print_error(message: str, code: int) -> int:
    """Print an error message on standard error, and return the exit code of this process.

    The exit code is ``code``. If torchrun started several processes, only the first one that fails prints its message,
    and all processes exit with its code.
    """
    with torchrun.coordinated_exit(code) as (is_first, shared_code):
        if is_first:
            start = "\r\033[2K" if sys.stderr.isatty() else ""  # replaces the status line
            print(f"{start}error: {one_line(with_flags(message)).strip()}", file=sys.stderr)
    return shared_code


def _print_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    print(f"warning: {one_line(with_flags(str(message)))}", file=sys.stderr)
