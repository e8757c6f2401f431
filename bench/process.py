"""Work in a process of its own: a module is called with a job and gives an answer, or the way that it died is told.

The parent uses `call`; the child's main is `serve`: it reads the job as one line from standard input and writes the
answer to standard output, both JSON. The parent keeps the child's standard input open as long as it lives: when it is
killed, the child ends with it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from threading import TIMEOUT_MAX, Thread, Timer
from traceback import print_exc
from typing import NoReturn, TypeVar

import msgspec

JobT = TypeVar("JobT")
AnswerT = TypeVar("AnswerT")


class ProcessError(RuntimeError):
    """The process ended without an answer: the message says how."""

    def __init__(self, message: str, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


def call(module: str, job: msgspec.Struct, answer: type[AnswerT], *, timeout: float, what: str) -> AnswerT:
    """The module's answer to the job, from a fresh process, killed after `timeout` seconds and when this one ends.

    Raises ProcessError, with a message that begins with `what`, where there is no answer. Ctrl-C reaches child and
    parent alike: a child that it ended first is an interrupt here, too.
    """
    command = [sys.executable, "-m", f"{__package__}.{module}"]
    folder = Path(__file__).parents[1]  # where this very package is found, whatever lies in the current one
    with (
        TemporaryFile() as errors,
        subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, bufsize=0
        ) as process,
    ):
        timer = Timer(min(timeout, TIMEOUT_MAX), process.kill)
        timer.daemon = True  # an interrupt that falls just here must not wait for it
        try:
            timer.start()
            assert process.stdin is not None
            assert process.stdout is not None
            with memoryview(msgspec.json.encode(job) + b"\n") as line:
                sent = 0
                while sent < len(line):  # unbuffered: a pipe takes a long line in parts
                    sent += process.stdin.write(line[sent:])
            said = process.stdout.read()
        except BrokenPipeError:
            said = b""
        finally:
            timed_out = not timer.is_alive()
            timer.cancel()
            process.kill()
        status = process.wait()
        errors.seek(0)
        last = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
    try:
        return msgspec.json.decode(said, type=answer)
    except msgspec.DecodeError as error:
        if status == -signal.SIGINT:
            raise KeyboardInterrupt from error
        raise ProcessError(f"{what} {_end(status, last, timeout, timed_out)}", timed_out) from error


def _end(status: int, last_line: str, timeout: float, timed_out: bool) -> str:
    """How the process ended, in words."""
    if timed_out:
        return f"ran for more than {timeout:.0f} s"
    if status == -signal.SIGKILL:  # sent by us only when the child has closed its output, which it does by ending
        return "was killed by SIGKILL, as the system does when memory runs out"
    known = {number.value: number.name for number in signal.Signals}
    how = f"was killed by {known.get(-status, -status)}" if status < 0 else f"ended with status {status}"
    return f"{how}: {last_line}" if last_line else how


def serve(job: type[JobT], work: Callable[[JobT], object]) -> NoReturn:
    """Read a job, do the work, write its answer, and end."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C is the parent's to tell
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever an engine prints is no part of the answer
    received = msgspec.json.decode(sys.stdin.buffer.readline(), type=job)
    Thread(target=_end_with_parent, daemon=True).start()
    status = 0
    try:
        answer.write(msgspec.json.encode(work(received)))
        answer.flush()
    except Exception:
        print_exc()
        status = 1
    os._exit(status)  # with the thread still reading, the interpreter would not shut down cleanly


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)
