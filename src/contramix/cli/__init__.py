"""The command line: one small file a command. Nothing here imports torch before a command runs."""

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

for command in (
    "demo",
    "pretrain",
    "embed",
    "evaluate",
    "compare",
    "tune",
    "finetune",
    "predict",
    "report",
    "recipes",
    "info",
    "reproduce",
    "verify_theory",
):
    import_module(f"contramix.cli.{command}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 a bug of ours, 2 wrong input, 3 the run could not go on, 130 / 143
    interrupted."""
    # Two threads that wait for each other spin. Where another program holds a core, that costs several times the work;
    # so sleep soon (docs/adr/0008). To be said before torch is imported.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    keep_freed_memory()
    given = list(sys.argv[1:] if arguments is None else arguments)
    _prepare_streams()
    warnings.showwarning = _warn
    warnings.simplefilter("ignore")
    warnings.simplefilter("always", ContramixWarning)
    try:
        if torchrun.several():
            with torchrun.together(given or ["--help"]):
                code = _run(given)
        else:
            code = _run(given or ["--help"])
        if code == INTERRUPTED:  # typer has turned it into an exit code
            _fail("interrupted", code)
    except BrokenPipeError:
        _drop_stdout()
        code = 0
    except KeyboardInterrupt:
        code = _fail("interrupted", INTERRUPTED)
    except Exception as error:
        if "--debug" in given:
            traceback.print_exc()
        code = _explain(error)
    sys.exit(code)


def _run(given: list[str]) -> int:
    code = app(args=given, prog_name="contramix", standalone_mode=False)
    sys.stdout.flush()
    return code if isinstance(code, int) else 0


class _Stderr:
    """Standard error that never stops a run: what cannot be written there, because it is closed or full, is lost."""

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
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - for as long as we run
        if hasattr(getattr(sys, name), "reconfigure"):
            getattr(sys, name).reconfigure(errors="backslashreplace")
    if not isinstance(sys.stderr, _Stderr):
        sys.stderr = cast(TextIO, _Stderr(sys.stderr))


def _drop_stdout() -> None:
    """Nothing more can be written; what is still held back must not fail once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explain(error: Exception) -> int:
    """One line on stderr, and the exit code that fits."""
    if torchrun.is_lost(error):
        return _fail(
            "another process of this run has ended or does not answer; the same command goes on from the last "
            "checkpoint",
            3,
        )
    if isinstance(error, InputError):
        return _fail(str(error), 2)
    if isinstance(error, RunError):
        return _fail(str(error), 3)
    if hasattr(error, "exit_code") and not hasattr(error, "format_message"):  # a signal asked the run to stop
        return _fail(str(error), int(error.exit_code))
    if hasattr(error, "format_message"):  # a wrong call
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "contramix"
        return _fail(f"{error.format_message()} ({command} --help tells more)", 2)
    if isinstance(error, MemoryError) or "allocate memory" in str(error) or "out of memory" in str(error):
        return _fail("out of memory; try a smaller train.batch_size or encoder.width, or fewer rows", 3)
    if isinstance(error, OSError) and error.filename is not None:
        return _fail(f"{os.fsdecode(error.filename)}: {error.strerror}", 2)
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        _drop_stdout()
        return _fail("no space left for what is printed on standard output", 3)
    return _fail(f"a bug of contramix: {type(error).__name__}: {error} (--debug shows where)", 1)


def _fail(message: str, code: int) -> int:
    with torchrun.ending(code) as (speaks, agreed):
        if speaks:
            start = "\r\033[2K" if sys.stderr.isatty() else ""  # in place of a line of progress
            print(f"{start}error: {one_line(with_flags(message)).strip()}", file=sys.stderr)
    return agreed


def _warn(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    print(f"warning: {one_line(with_flags(str(message)))}", file=sys.stderr)
