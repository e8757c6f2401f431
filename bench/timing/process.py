"""Work in a process of its own: a module is called with a job and gives an answer, or the way that it died is told.

The parent uses `call`; the child's main is `serve`: it reads the job as one line from standard input and writes the
answer to standard output, both JSON, paths as text. The parent keeps the child's standard input open as long as it
lives: when it is killed, the child ends with it. What the child starts, it starts in a session of its own, and all of
that ends with it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import TIMEOUT_MAX, Event, Thread, Timer
from time import monotonic, sleep
from traceback import print_exc
from typing import IO, NoReturn, TypeVar

import msgspec

from .. import SLEEP_SOON
from ..cells import temporary_folder

JobT = TypeVar("JobT")
AnswerT = TypeVar("AnswerT")

# In the words of Python and numpy, of PyTorch and XLA: there was no memory, which says nothing about the code.
NO_MEMORY = re.compile("MemoryError|allocate memory|out of memory|RESOURCE_EXHAUSTED", re.IGNORECASE)
GRACE_SECONDS = 0.5  # for what a child has started, to tidy up: multiprocessing's tracker removes semaphores
TAIL = 10_000  # bytes of what was said last


def _searched() -> list[str]:
    """Where modules of the user's own are found: the current folder under python -m, and what PYTHONPATH names.

    A child has another current folder, and finds them all the same.
    """
    given = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    try:
        here = [place for place in sys.path if Path(place) in (Path(), Path.cwd())]
        return [str(Path(place).absolute()) for place in dict.fromkeys([*here, *given])]
    except OSError:  # the current folder is gone
        return given


SEARCHED = _searched()


class ProcessError(RuntimeError):
    """The process ended without an answer: the message says how."""

    def __init__(self, message: str, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


def lacks_memory(told: str) -> bool:
    """Whether what went wrong, in a process or an engine, is that there was no memory."""
    return bool(NO_MEMORY.search(told))


def call(module: str, job: msgspec.Struct, answer: type[AnswerT], *, timeout: float, what: str) -> AnswerT:
    """The module's answer to the job, from a fresh process, killed after `timeout` seconds and when this one ends.

    It ends with all that it has started, whichever way: no process of an engine is left behind. Raises ProcessError,
    with a message that begins with `what`, where there is no answer, and InputError where the temporary folder is full.
    """
    command = [sys.executable, "-m", module]
    folder = Path(__file__).parents[2]  # where this very package is found, whatever lies in the current one
    late = Event()
    with (
        temporary_folder.file() as errors,
        # No pipe: the end of one would be waited for until its last holder has ended.
        temporary_folder.file() as answers,
        subprocess.Popen(
            command,
            cwd=folder,
            env={**SLEEP_SOON, **os.environ, "PYTHONPATH": os.pathsep.join(SEARCHED)},
            stdin=subprocess.PIPE,
            stdout=answers,
            stderr=errors,
            bufsize=0,
            start_new_session=True,
        ) as process,
    ):

        def stop() -> None:
            late.set()
            process.kill()

        timer = Timer(min(timeout, TIMEOUT_MAX), stop)
        timer.daemon = True  # an interrupt that falls just here must not wait for it
        try:
            timer.start()
            assert process.stdin is not None
            with suppress(BrokenPipeError), memoryview(msgspec.json.encode(job, enc_hook=str) + b"\n") as line:
                sent = 0
                while sent < len(line):  # unbuffered: a pipe takes a long line in parts
                    sent += process.stdin.write(line[sent:])
            status = process.wait()
        finally:
            timer.cancel()
            _end_all(process)
        answers.seek(0)
        said, last = answers.read(), _last_line(errors)
        if status:
            temporary_folder.check_room(answers)
    try:
        return msgspec.json.decode(said, type=answer)
    except msgspec.DecodeError as error:
        if status == -signal.SIGINT:
            raise KeyboardInterrupt from error
        raise ProcessError(f"{what} {_end(status, last, timeout, late.is_set())}", late.is_set()) from error


def _end_all(process: subprocess.Popen[bytes]) -> None:
    """End the process, and where the platform has sessions, all that it has started and that is still there."""
    process.kill()
    process.wait()
    if not hasattr(os, "killpg"):
        return
    with suppress(ProcessLookupError, PermissionError):  # none is left, in the words of Linux and of macOS
        try:
            os.killpg(process.pid, signal.SIGTERM)
            end = monotonic() + GRACE_SECONDS
            while monotonic() < end:
                sleep(0.005)
                os.killpg(process.pid, 0)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - TAIL))
    return errors.read().decode(errors="replace").strip().rpartition("\n")[2]


def _end(status: int, last_line: str, timeout: float, timed_out: bool) -> str:
    """How the process ended, in words."""
    if timed_out:
        return f"ran for more than {timeout:.0f} s"
    known = {number.value: number.name for number in signal.Signals}
    name = known.get(-status, str(-status))
    if name == "SIGKILL":  # sent by us only when the time is up
        return "was killed by SIGKILL, as the system does when memory runs out"
    how = f"was killed by {name}" if status < 0 else f"ended with status {status}"
    return f"{how}: {last_line}" if last_line else how


def serve(job: type[JobT], work: Callable[[JobT], object]) -> NoReturn:
    """Read a job, do the work, write its answer, and end."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C is the parent's to tell
    own = os.getpid()
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever an engine prints is no part of the answer
    received = msgspec.json.decode(sys.stdin.buffer.readline(), type=job, dec_hook=lambda kind, given: kind(given))
    Thread(target=_end_with_parent, daemon=True).start()
    status = 0
    try:
        said = msgspec.json.encode(work(received))
        if os.getpid() == own:  # else an engine has forked, and its copy of this process has come here, too
            answer.write(said)
            answer.flush()
    except BaseException:
        print_exc()
        status = 1
    os._exit(status)  # with the thread still reading, the interpreter would not shut down cleanly


def _end_with_parent() -> None:
    """Wait until the parent has ended; then end, with all that this process has started.

    Not by sys.stdin, whose lock would be held for ever in each process that an engine forks, and waited for there.
    """
    while os.read(0, 4096):
        pass
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
