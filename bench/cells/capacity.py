"""Is there room for a cell, and time?  Asked before anything of it is made."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from timeit import repeat
from typing import TYPE_CHECKING

import numpy as np

from backprop import InputError

from .control_groups import folders, lines

if TYPE_CHECKING:
    from .cell import Cell

# What a race takes at its peak, which is in the check: so many arrays of all the values of a mini-batch, and of all the
# parameters. By tracemalloc, for full_matrix, in_place and fused, 6 to 10 and 14 to 21.
OF_SAMPLES, OF_PARAMETERS = 8, 16

SMALL = 10**9  # operations, of a step that takes some hundredths of a second: that is soon found out by taking it


def refuse_too_large(cell: Cell) -> None:
    """Raises InputError where a race of this cell would need more memory than is available."""
    values = cell.batch * sum(cell.sizes)
    needed = np.dtype(cell.dtype).itemsize * (OF_SAMPLES * values + OF_PARAMETERS * cell.parameters)
    there = available()
    if there is not None and needed > there:
        raise InputError(
            f"{cell.id} takes about {in_gigabytes(needed)} of memory, and {in_gigabytes(there)} are available here: "
            "name smaller sizes or a smaller batch"
        )


def available() -> int | None:
    """The bytes that this process may still allocate, by the system and its control groups; None where no one tells."""
    found = [memory_bytes(), *map(_free_in, folders("memory"))]
    found += [int(line.split()[1]) * 1024 for line in lines("proc/meminfo") if line.startswith("MemAvailable:")]
    return min((free for free in found if free is not None), default=None)


def memory_bytes() -> int | None:
    """The memory of this machine; None where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def least_seconds(flops: int, dtype: str) -> float:
    """What so many operations in products take here at the least, in one go: half of what a small product says."""
    if flops < SMALL:
        return 0.0
    a = np.ones((384, 384), dtype)
    return flops / (2 * len(a) ** 3) * min(repeat(lambda: a @ a, repeat=5, number=1)) / 2


def in_gigabytes(count: int) -> str:
    """A number of bytes in words, by whole numbers: it may be beyond all floats."""
    return f"{count // 10**9:,}.{count % 10**9 // 10**8} GB"


def _free_in(group: Path) -> int | None:
    """What a control group leaves to be allocated: its limit less what is used and could not be given back."""
    for limit, used, given_back in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        with suppress(OSError, ValueError):  # not there, or "max"
            most, now = int((group / limit).read_text()), int((group / used).read_text())
            stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            return max(most - now + int(stat.get(given_back, 0)), 0)
    return None
