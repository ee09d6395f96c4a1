"""The command line: ``python -m eumlib --help``."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from eumlib._common.console import take_any_text
from eumlib._common.errors import EumlibError, in_a_line


class Terminated(KeyboardInterrupt):
    """The system, or another program, has asked this one to end; it ends as by Ctrl-C."""

    code = 128 + signal.SIGTERM


def main() -> None:
    """Run the command line; what the user can mend ends with a message, not a traceback."""
    take_any_text()
    with _ending_in_a_line(), _stoppable():
        if sys.argv[1:] == ["doctor"]:  # it works where packages are missing
            from eumlib._commands import doctor

            raise SystemExit(doctor.main())
        from eumlib._commands.app import app
        from eumlib._common.files import sweep_home

        sweep_home()
        app()


@contextmanager
def _ending_in_a_line() -> Iterator[None]:
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except EumlibError as error:
        _end(f"error: {error}")
    except ModuleNotFoundError as error:
        _end(f"error: no package {error.name}; `python -m eumlib doctor` says how to mend it")
    except MemoryError:
        _end("error: there is not enough memory: take fewer faces, views or workers")
    except BrokenPipeError:  # who reads has seen enough
        _drop_output()
        raise SystemExit(1) from None
    except OSError as error:
        if error.filename is None and error.errno == errno.ENOSPC:  # files are always named
            error.filename = "standard output"
            _drop_output()
        _end(f"error: {in_a_line(error)}")
    except RuntimeError as error:  # how pathlib tells of links that lead back to themselves
        loop = error.__context__
        if not isinstance(loop, OSError) or loop.errno != errno.ELOOP:
            raise
        _end(f"error: {in_a_line(loop)}")
    except KeyboardInterrupt as stop:  # before a command has begun
        _end("\nstopped; nothing was begun", getattr(stop, "code", 130))


def _drop_output() -> None:
    """Let what waits to be printed go nowhere; at its end Python would try again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end(line: str, code: int = 1) -> None:
    print(line, file=sys.stderr)
    raise SystemExit(code) from None


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM end the program as Ctrl-C does: files are finished or taken away, workers end."""

    def stop(*_: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    main()
