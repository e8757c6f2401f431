"""Tracers and profilers, paused while something is timed: coverage, debuggers, cProfile, the tools of sys.monitoring.

They are called at each line or function, so that an engine of many lines a step would be timed with all of theirs.
"""

from __future__ import annotations

import signal
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from backprop import InputError

TIMERS = ("ITIMER_PROF", "ITIMER_VIRTUAL")  # of processor time: a sampling profiler's, where there is one

_kept_out: list[str] = []


class Paused:
    """A block in which nothing traces this thread: for one slice. With nothing to pause it takes about 1 us.

    Both ends are methods, with no function in between, because a tracer keeps count of calls and returns: it sees
    the call of one and the return of the other.
    """

    def __enter__(self) -> None:
        self.tools = _pause_tools()
        self.profiler: Any = sys.getprofile()
        self.tracer: Any = sys.gettrace()
        if self.profiler is not None:
            if callable(self.profiler):
                sys.setprofile(None)
            else:
                self.profiler.disable()
        if self.tracer is not None:
            sys.settrace(None)

    def __exit__(self, *_: object) -> None:
        for resume in self.tools:
            resume()
        if self.profiler is not None:
            if callable(self.profiler):
                sys.setprofile(self.profiler)
            else:
                self.profiler.enable()
        if self.tracer is not None:
            sys._getframe().f_trace = self.tracer  # it has not seen this frame begin, and is to see its return
            sys.settrace(self.tracer)


@contextmanager
def kept_out() -> Iterator[None]:
    """Keep from a race what can't be paused for a slice at a time: for the whole of it, and back in place after.

    Threads that begin in the block, such as an engine's pool, are not traced; tracemalloc, what it has seen until
    now given up, and timers of sampling profilers are off. Raises InputError for a profiler that can't be paused.
    """
    profiler = sys.getprofile()
    if profiler is not None and not callable(profiler) and not hasattr(profiler, "enable"):
        raise InputError(f"the profiler {_name(profiler)} can't be paused while engines are timed: run without it")
    with ExitStack() as after:
        outer = list(_kept_out)
        after.callback(_kept_out.__setitem__, slice(None), outer)
        hooks: list[tuple[Any, Callable[[Any], None]]] = [
            (threading.gettrace(), threading.settrace),
            (threading.getprofile(), threading.setprofile),
        ]
        for hook, put in hooks:
            if hook is not None:
                put(None)
                after.callback(put, hook)
                _kept_out.append(_name(hook))
        if tracemalloc.is_tracing():
            after.callback(tracemalloc.start, tracemalloc.get_traceback_limit())
            tracemalloc.stop()
            _kept_out.append("tracemalloc")
        for name in TIMERS if hasattr(signal, "setitimer") else ():
            timer = getattr(signal, name)
            delay, interval = signal.setitimer(timer, 0)
            if delay:
                after.callback(signal.setitimer, timer, delay, interval)
                _kept_out.append(f"a timer, {name}")
        yield


def present() -> list[str]:
    """What is paused, or kept out, while something is timed: its names, such as coverage.CTracer."""
    tools = [f"sys.monitoring: {name}" for name in _tools().values()]
    hooks = [_name(hook) for hook in (sys.gettrace(), sys.getprofile()) if hook is not None]
    return sorted({*_kept_out, *tools, *hooks})


def _name(hook: Any) -> str:
    """A function's or a method's name, or that of an object's type, with its module."""
    named = hook if hasattr(hook, "__qualname__") else type(hook)
    return f"{named.__module__}.{named.__qualname__}"


if sys.version_info >= (3, 12):
    monitoring = sys.monitoring
    # From 3.14 on BRANCH is another name of two events.
    EVENTS = [
        event
        for name, event in vars(monitoring.events).items()
        if event and not (name == "BRANCH" and hasattr(monitoring.events, "BRANCH_LEFT"))
    ]

    def _tools() -> dict[int, str]:
        """The tools of sys.monitoring that are in use, by number."""
        named = {number: monitoring.get_tool(number) for number in range(6)}
        return {number: name for number, name in named.items() if name is not None}

    def _pause_tools() -> list[Callable[[], object]]:
        """Take away each tool's events and callbacks, and return what puts them back.

        Events that a tool has set for single functions can't be listed: without callbacks nothing comes of them.
        """
        resume: list[Callable[[], object]] = []
        for number in _tools():
            events = monitoring.get_events(number)
            callbacks = {event: monitoring.register_callback(number, event, None) for event in EVENTS}
            monitoring.set_events(number, 0)

            def put_back(number: int = number, events: int = events, callbacks: Any = callbacks) -> None:
                for event, callback in callbacks.items():
                    monitoring.register_callback(number, event, callback)
                monitoring.set_events(number, events)

            resume.append(put_back)
        return resume

else:

    def _tools() -> dict[int, str]:
        return {}

    def _pause_tools() -> list[Callable[[], object]]:
        return []
