"""A sweep: every cell of a grid, raced here one after the other or on a cluster, each recorded as soon as it is done.

What takes the cells is a crew: `Crew` is this machine's, bench.sweep.cluster has a cluster's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from math import ceil
from time import monotonic
from typing import Literal, Protocol

from backprop import InputError

from ..cells.cell import Cell
from ..cells.entry import Entry
from ..records.record import Record
from ..timing import machine
from ..timing.machine import Software
from ..timing.one_pass import RaceJob
from ..timing.race import race
from . import folder
from .folder import Machine, Run, Sweep

# What a race takes beyond the seconds that it is given: checks, and the fewest passes where they don't fit into these.
# With a floor each engine has parts that are raced, too, and some libraries import or compile for long in each process.
# Fitted to elapsed_seconds in results/published: without a floor in claims, with one in default, model, holdout, shapes
# and libraries: as a whole each of these took 0.91 to 1.09 times what this comes to; on a faster machine it is less.
SECONDS_AN_ENGINE = 0.45
SECONDS_OF_PARTS = 1.0  # an engine, where a floor is raced
SECONDS_OF_A_LIBRARY = 3.5  # an engine whose arrays are not NumPy's, as PyTorch's and JAX's

AtWork = Callable[[Sequence[Cell]], None]


class Crew:
    """Who races the cells, on `hands` machines at once: this machine alone, one cell after the other.

    machine is None for another crew, whose machines are not this one.
    """

    @property
    def machine(self) -> Machine | None:
        about = machine.environment()
        return Machine(about.cpu, about.cores, about.host, about.quota)

    @property
    def hands(self) -> int:
        return 1

    def expected_seconds(self, job: RaceJob) -> float:
        """What a race takes, with all that comes on top of its seconds."""
        each = SECONDS_AN_ENGINE + SECONDS_OF_PARTS * job.floor
        slow = sum(not entry.traced for entry in job.entries)
        return job.seconds + each * len(job.entries) + SECONDS_OF_A_LIBRARY * slow

    def race(self, jobs: Sequence[RaceJob], at_work: AtWork) -> Iterator[Record]:
        """The record of each job, as soon as it is done; at_work is told the cells whenever others are at work."""
        for job in jobs:
            at_work([job.cell])
            yield race(job)


class Progress(Protocol):
    """What is told of a sweep while it goes on."""

    def begin(self, missing: int, total: int) -> None: ...

    def at_work(self, cells: Sequence[Cell], left: float) -> None:
        """These cells are being raced; `left` seconds to go."""

    def done(self, record: Record, left: float) -> None: ...


def plan(
    cells: Sequence[Cell],
    entries: Sequence[Entry],
    *,
    seconds: float,
    floor: bool,
    allocator: Literal["pinned", "default"],
    software: Software,
    machine: Machine | None,
    baseline: str | None = None,
) -> Sweep:
    """The sweep of these engines over these cells; a cell that is named twice is raced once."""
    engines = [entry.identity for entry in entries]
    unique = list(dict.fromkeys(cells))
    return Sweep(folder.SCHEMA, unique, engines, seconds, floor, allocator, software, machine, baseline)


def jobs_of(sweep: Sweep, entries: Sequence[Entry]) -> list[RaceJob]:
    """A race for each cell of the sweep."""
    pin = sweep.allocator == "pinned"
    return [RaceJob(cell, list(entries), sweep.seconds, sweep.floor, pin, sweep.baseline) for cell in sweep.cells]


def expected_seconds(jobs: Sequence[RaceJob], crew: Crew) -> float:
    """Wall time for these races by the crew, with so many at once as it has hands."""
    hands = max(crew.hands, 1)
    mean = sum(map(crew.expected_seconds, jobs)) / max(len(jobs), 1)
    return ceil(len(jobs) / hands) * mean


def check_hours(missing: Collection[Cell], jobs: Sequence[RaceJob], crew: Crew, max_hours: float) -> None:
    """Refuse to begin what would take longer than this: the jobs of a sweep whose cells are missing."""
    if not max_hours > 0:
        raise InputError(f"--max-hours must be a positive number, not {max_hours:g}")
    to_come = [job for job in jobs if job.cell in missing]
    hours = expected_seconds(to_come, crew) / 3600
    if not hours <= max_hours:
        machines = f" on {crew.hands} machines" if crew.hands > 1 else ""
        one = jobs[0]
        raise InputError(
            f"{len(to_come)} cells with {len(one.entries)} engines would take about {hours:.1f} hours{machines}, more "
            f"than the {max_hours:g} of --max-hours: name fewer sizes, batches or dtypes, give a cell fewer --seconds "
            f"than {one.seconds:g}, or allow --max-hours {ceil(hours)}"
        )


def race_jobs(run: Run, every: Sequence[RaceJob], crew: Crew, progress: Progress) -> None:
    """Race the cells that are not done, each in its own race, and have each record on the disk as soon as it is."""
    jobs = [job for job in every if job.cell not in run.done]
    to_come, since = {job.cell: job for job in jobs}, monotonic()

    def left() -> float:
        known = run.left(sum(job.seconds for job in to_come.values()))
        return expected_seconds(list(to_come.values()), crew) if known is None else known

    progress.begin(len(jobs), len(every))
    for record in crew.race(jobs, lambda cells: progress.at_work(cells, left())):
        now = monotonic()
        try:
            run.add(record, to_come.pop(record.cell).seconds, now - since)
        except InputError as error:
            raise InputError(f"{error}, and go on with --resume") from error
        since = now
        progress.done(record, left())
