"""Whose fault is it that a process has ended?  The base is asked before the change is blamed."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ..cells.entry import Entry
from ..timing.process import ProcessError, lacks_memory

Trial = Callable[[Entry, Entry], str | None]
"""Does what has ended again, with these as change and base; tells what failed, or raises ProcessError."""


class Standing(msgspec.Struct):
    """An engine not raced to an end, and why: unchanged, new, removed, unavailable, left out, inconclusive or wrong."""

    engine: str
    state: str
    why: str


class Rivals(msgspec.Struct, frozen=True):
    """An engine, by its address, as the change has it, and as the base does."""

    engine: str
    change: Entry
    base: Entry


def starved(told: str) -> bool:
    """Whether it may have been that: the system kills what has too much."""
    return lacks_memory(told) or "SIGKILL" in told


def blame(error: ProcessError, trial: Trial, rivals: Rivals, against: str) -> Standing:
    """The standing of an engine whose process has ended, and is tried again with other versions of it.

    The change is wrong only where the base in its place lives and the two end once more; where the base alone ends
    and the change alone does not, the engine is new. All else is inconclusive, want of memory and hanging among it.
    """

    def inconclusive(more: str = "") -> Standing:
        return Standing(rivals.engine, "inconclusive", f"{error}{more}")

    if starved(str(error)):
        return inconclusive()
    of_base = _end(trial, rivals.base, rivals.base)
    if of_base is None:
        if error.timed_out:
            return inconclusive(f"; {against} alone does not")
        again = _end(trial, rivals.change, rivals.base)
        if again is None or again.timed_out or starved(str(again)):
            return inconclusive(f"; {against} alone does not, and neither did both once more")
        return Standing(rivals.engine, "wrong", f"{error}; {against} alone does not")
    if of_base.timed_out and not error.timed_out:
        return inconclusive(f"; no time was left to see whether {against} alone does, too")
    if starved(str(of_base)) or _end(trial, rivals.change, rivals.change) is not None:
        return inconclusive(f"; it is not the change, {against} alone does so too: {of_base}")
    return Standing(rivals.engine, "new", f"{against} had it wrong: {of_base}")


def _end(trial: Trial, change: Entry, base: Entry) -> ProcessError | None:
    try:
        failed = trial(change, base)
    except ProcessError as error:
        return error
    return ProcessError(failed) if failed else None
