"""Equal threads for every engine: the pools of BLAS and OpenMP, and the cores that the process may run on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from threadpoolctl import threadpool_info, threadpool_limits

_limit: int | None = None


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Limit every thread pool to this many threads, and every thread of the process to as many cores.

    The limit on the pools alone would not hold a library that has a pool of its own, such as XLA; the cores hold
    them all. Only Linux lets a process choose its cores: elsewhere the pools are all that is limited.
    """
    global _limit
    outer, _limit = _limit, threads
    try:
        with threadpool_limits(limits=threads), _on_cores(threads):
            yield
    finally:
        _limit = outer


def current() -> int:
    """The threads that an engine may use now: as it is limited, else as many as it has cores or BLAS has threads."""
    if _limit is not None:
        return _limit
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), _pools())
    return _pools()


@contextmanager
def _on_cores(count: int) -> Iterator[None]:
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    _run_on(sorted(before)[-count:])  # the first core is the one that serves most of the interrupts
    try:
        yield
    finally:
        _run_on(before)


def _pools() -> int:
    return max((pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), default=1)


def _run_on(cores: Iterable[int]) -> None:
    """Confine each thread of this process to these cores; threads started later inherit it from their parents."""
    for task in Path("/proc/self/task").iterdir():
        try:
            os.sched_setaffinity(int(task.name), cores)
        except ProcessLookupError:  # it ended meanwhile
            continue
