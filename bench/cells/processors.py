"""The share of the processors' time that the process's control group gives it, as Linux tells it.

A container with half a CPU still sees every core, and may run on each: it is stopped for the rest of each period, of
a tenth of a second as a rule, once all its threads together have used up what they are given.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from .control_groups import folders

# As the process starts: a race confines it to fewer.
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cores() -> int:
    """How many cores this process might run on when it started."""
    return CORES


def most_threads(cores: int, given: float | None) -> int:
    """How many threads can be timed on so many cores, with the time of so many processors given; None for no quota."""
    return cores if given is None else min(cores, max(1, int(given)))


def cpus() -> float | None:
    """How many processors' time the group may use, the least of its own quota and those above it; None for no quota."""
    return min((given for folder in folders("cpu") if (given := _quota(folder)) is not None), default=None)


def throttled() -> int:
    """How often the group, or one above it, has been stopped until now for the rest of a period."""
    return sum(_throttled(folder) for folder in folders("cpu"))


def told(given: float) -> str:
    """A quota in words."""
    return f"the time of {given:g} CPU{'s' if given > 1 else ''}"


def _quota(folder: Path) -> float | None:
    """Of one group: 50000 100000 or max 100000, in one file in version 2 and in two in version 1."""
    try:
        both = folder / "cpu.max"
        if both.exists():
            quota, period = both.read_text().split()
        else:
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return int(quota) / int(period) if quota.strip() != "max" and int(quota) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _throttled(folder: Path) -> int:
    with suppress(OSError):
        if found := re.search(r"^nr_throttled (\d+)$", (folder / "cpu.stat").read_text(), re.MULTILINE):
            return int(found[1])
    return 0
