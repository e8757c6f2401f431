"""Equal threads for every engine: the pools of BLAS and OpenMP, and the cores that the process may run on."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from threadpoolctl import threadpool_info, threadpool_limits

from . import cores

_limit: int | None = None
_shared = False


@contextmanager
def limited(threads: int, numbers: Collection[int] | None = None) -> Iterator[None]:
    """Limit every thread pool to this many threads, and every thread of the process to as many cores.

    They are those of these numbers, which another process has taken for this one, or are taken now.

    The limit on the pools alone would not hold a library that has a pool of its own, such as XLA; the cores hold
    them all, and other races of this user's are kept from them (see `cores`). Only Linux lets a process choose its
    cores: elsewhere the pools are all that is limited.
    """
    global _limit
    outer, _limit = _limit, threads
    try:
        with threadpool_limits(limits=threads), _on_cores(threads, numbers):
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


def shared() -> bool:
    """Whether another race runs on one of the cores to which this process is limited."""
    return _shared


@contextmanager
def _on_cores(count: int, given: Collection[int] | None) -> Iterator[None]:
    global _shared
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before, outer = os.sched_getaffinity(0), _shared
    with nullcontext((given, False)) if given else cores.taken(count, before) as (numbers, crowded):
        _shared = outer or crowded
        _run_on(numbers)
        try:
            yield
        finally:
            _run_on(before)
            _shared = outer


def _pools() -> int:
    return max((pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), default=1)


def _run_on(cores: Iterable[int]) -> None:
    """Confine each thread of this process to these cores; threads started later inherit it from their parents."""
    for task in Path("/proc/self/task").iterdir():
        try:
            os.sched_setaffinity(int(task.name), cores)
        except ProcessLookupError:  # it ended meanwhile
            continue
