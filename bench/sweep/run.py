"""A sweep: every cell of a grid, raced here one after the other or on a cluster, each recorded as soon as it is done.

What takes the cells is a crew: `Crew` is this machine's, bench.sweep.cluster has a cluster's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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

# What a cell takes beyond the seconds that it is raced for. In results/published, elapsed_seconds says so: 0.4 s in
# the median cell with four engines (default), 2.6 s with eight, compilers among them (full); and a process starts.
SECONDS_AN_ENGINE = 0.33
SECONDS_TO_START = 1.0

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


def expected_seconds(cells: int, sweep: Sweep, hands: int) -> float:
    """Wall time for this many of the sweep's cells on this many machines at once."""
    return ceil(cells / max(hands, 1)) * (sweep.seconds + SECONDS_TO_START + SECONDS_AN_ENGINE * len(sweep.engines))


def check_hours(cells: int, sweep: Sweep, hands: int, max_hours: float) -> None:
    """Refuse to begin what would take longer than this."""
    if not max_hours > 0:
        raise InputError(f"--max-hours must be a positive number, not {max_hours:g}")
    hours = expected_seconds(cells, sweep, hands) / 3600
    if not hours <= max_hours:
        machines = f" on {hands} machines" if hands > 1 else ""
        raise InputError(
            f"{cells} cells with {len(sweep.engines)} engines would take about {hours:.1f} hours{machines}, more than "
            f"the {max_hours:g} of --max-hours: name fewer sizes, batches or dtypes, give a cell fewer --seconds "
            f"than {sweep.seconds:g}, or allow --max-hours {ceil(hours)}"
        )


def race_missing(run: Run, sweep: Sweep, entries: Sequence[Entry], crew: Crew, progress: Progress) -> None:
    """Race the cells that are not done, and put the record of each on the disk as soon as it is."""
    pin = sweep.allocator == "pinned"
    jobs = [RaceJob(cell, list(entries), sweep.seconds, sweep.floor, pin, sweep.baseline) for cell in sweep.cells]
    race_jobs(run, sweep, jobs, crew, progress)


def race_jobs(run: Run, sweep: Sweep, every: Sequence[RaceJob], crew: Crew, progress: Progress) -> None:
    """The same for races of any kind, one in each of the sweep's cells, each for its own seconds."""
    jobs = [job for job in every if job.cell not in run.done]
    to_come, since = {job.cell: job.seconds for job in jobs}, monotonic()

    def left() -> float:
        known = run.left(sum(to_come.values()))
        if known is not None:
            return known
        more = sum(to_come.values()) - len(to_come) * sweep.seconds  # what races have been given of their own
        return expected_seconds(len(to_come), sweep, crew.hands) + more / max(crew.hands, 1)

    progress.begin(len(jobs), len(every))
    for record in crew.race(jobs, lambda cells: progress.at_work(cells, left())):
        now = monotonic()
        try:
            run.add(record, to_come.pop(record.cell), now - since)
        except InputError as error:
            raise InputError(f"{error}, and go on with --resume") from error
        since = now
        progress.done(record, left())
