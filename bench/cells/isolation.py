"""What the code of others changes in this process is put back, and what it raises is its own fault.

numpy's error state is a context variable: whoever runs an engine in a context of its own confines it for nothing. The
rest is put back here, off every clock.
"""

from __future__ import annotations

import contextvars
import decimal
import locale
import multiprocessing
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
ReturnT = TypeVar("ReturnT")

SIGNALS = tuple(signal.valid_signals())
_forked: set[int] = set()
HOOKS = ("argv", "stdin", "stdout", "stderr", "excepthook", "displayhook", "unraisablehook", "dont_write_bytecode")


@contextmanager
def kept() -> Iterator[None]:
    """After the block this process is as it was, whatever the block has done to it.

    That is the current folder, the environment, the locale, the states of `random` and `np.random`, handlers of
    signals, warning filters, the context of `decimal`, the cores it runs on, and what sys has of streams, hooks and
    limits. What a file adds to sys.path stays there, behind all else: it may import from there later. Threads that are
    started in the block are daemons, if they don't say what they are: none keeps this process from ending; and a copy
    of this process that comes out of the block, where that has forked, ends there.
    """
    own = os.getpid()
    states, arithmetic = (random.getstate(), np.random.get_state()), decimal.getcontext().copy()
    folder, environment, own_locale = _current_folder(), dict(os.environ), locale.setlocale(locale.LC_ALL)
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    hooks, limit, path = {name: getattr(sys, name) for name in HOOKS}, sys.getrecursionlimit(), list(sys.path)
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    thread: Any = threading.current_thread()
    daemon, thread._daemonic = thread.daemon, True  # which its threads inherit
    try:
        with filters_kept(), _forks_noted():
            yield
    finally:
        if os.getpid() != own:
            os._exit(0)
        thread._daemonic = daemon
        random.setstate(states[0])
        np.random.set_state(states[1])
        decimal.setcontext(arithmetic)
        if folder is not None and folder != _current_folder():
            os.chdir(folder)
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
        if own_locale != locale.setlocale(locale.LC_ALL):
            locale.setlocale(locale.LC_ALL, own_locale)
        for number, handler in handlers.items():
            if handler is not None and signal.getsignal(number) is not handler:
                with suppress(ValueError, OSError):  # no main thread, which alone sets handlers
                    signal.signal(number, handler)
        for name, hook in hooks.items():
            setattr(sys, name, hook)
        sys.setrecursionlimit(limit)
        sys.path[:] = [*path, *(entry for entry in sys.path if entry not in path)]
        if cores is not None and cores != os.sched_getaffinity(0):
            os.sched_setaffinity(0, cores)


@contextmanager
def filters_kept() -> Iterator[None]:
    """The warning filters after the block are those before it.

    warnings.catch_warnings forgets in any case what has been told already: a warning of each slice would be printed.
    """
    filters, content, show = warnings.filters, list(warnings.filters), warnings.showwarning
    try:
        yield
    finally:
        if warnings.filters is not filters or filters != content or warnings.showwarning is not show:
            warnings.filters, warnings.showwarning = filters, show
            warnings.resetwarnings()
            filters[:] = content  # type: ignore[index]


def apart(function: Callable[P, ReturnT], *args: P.args, **kwargs: P.kwargs) -> ReturnT:
    """What the function gives, which can change nothing here but what it is given."""
    with kept():
        return contextvars.copy_context().run(function, *args, **kwargs)


@contextmanager
def _forks_noted() -> Iterator[None]:
    """Remember the processes that are forked in the block, for `end_children`."""
    if not hasattr(os, "fork"):
        yield
        return
    fork = os.fork

    def noted() -> int:
        child = fork()
        _forked.add(child)
        return child

    os.fork = noted
    try:
        yield
    finally:
        os.fork = fork


def end_children() -> None:
    """End the processes that engines have started in this one, by multiprocessing or os.fork: nobody waits for them."""
    for child in multiprocessing.active_children():
        child.terminate()
    for pid in _forked - {0}:
        with suppress(ChildProcessError):  # it has ended, and somebody has asked after it
            if os.waitpid(pid, os.WNOHANG) == (0, 0):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
    _forked.clear()


def is_interrupt(error: BaseException) -> bool:
    """Whether it is the Ctrl-C of the person at the terminal; an engine may raise anything else, SystemExit as well.

    Where SIGINT ends the process at once, KeyboardInterrupt is no more than an engine's, too.
    """
    return isinstance(error, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) is not signal.SIG_DFL


def _current_folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109  # as it is written
    except OSError:  # removed meanwhile
        return None
