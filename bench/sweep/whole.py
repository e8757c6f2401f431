"""A sweep from its cells and engines to its folder: planned, the folder claimed, what is missing raced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import Literal

from backprop import InputError

from ..cells.cell import Cell
from ..cells.entry import Entry
from ..records.environment import doubts
from ..timing import machine
from ..timing.one_pass import among
from ..timing.race import check_seconds
from . import cluster, folder
from .run import Crew, Progress, check_hours, jobs_of, plan, race_jobs


def sweep(
    cells: Sequence[Cell],
    entries: Sequence[Entry],
    out: Path,
    progress: AbstractContextManager[Progress],
    warn: Callable[[str], None],
    *,
    seconds: float,
    floor: bool,
    allocator: Literal["pinned", "default"],
    baseline: str | None,
    resume: bool,
    retry: bool,
    max_hours: float,
    dask: str | None,
) -> None:
    """Race the cells that the folder `out` has not got, here or on the workers of a Dask scheduler; raises InputError.

    warn is told what may disturb the timings, and of cells that failed before; the options are those of the command.
    """
    check_seconds(seconds)
    if retry and not resume:
        raise InputError("--retry-failed goes with --resume only: add it, or leave both out to begin a sweep")
    relative_to = among(baseline, entries)
    with ExitStack() as stack:
        software = machine.software()
        crew = Crew() if dask is None else stack.enter_context(cluster.joined(dask, software, cells, warn))
        whole = plan(
            cells,
            entries,
            seconds=seconds,
            floor=floor,
            allocator=allocator,
            software=software,
            machine=crew.machine,
            baseline=relative_to,
        )
        jobs = jobs_of(whole, entries)
        permit = partial(check_hours, jobs=jobs, crew=crew, max_hours=max_hours)
        run = stack.enter_context(folder.claimed(out, whole, resume, permit, retry))
        if failed := sum(bool(record.failures) for record in run.done.values()):
            warn(f"{failed} cell{'s' * (failed > 1)} failed before: add --retry-failed to race them again")
        for doubt in doubts([machine.environment()]) if dask is None else ():
            warn(doubt)
        race_jobs(run, jobs, crew, stack.enter_context(progress))
