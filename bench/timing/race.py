"""The race: several engines side by side in one cell, pass by pass, each pass a process of its own.

Two processes that run the same code on the same machine differ, for as long as they live: in where their memory lies,
in what the trial of the products chose, in the seed of their hashes. An interval within one process knows nothing of
that; bench/README.md, "How it measures", has the figures. So a race starts as many processes as its time allows, and
its interval is over them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from time import perf_counter

import msgspec
import numpy as np

from backprop import InputError

from ..cells import datasets, revisions
from ..cells.cell import Cell
from ..cells.temporary_folder import room, scratch
from ..records.environment import Environment
from ..records.record import SCHEMA, Peak, Record, Result
from . import machine
from .lane import Place
from .one_pass import Pass, PassJob, RaceJob, in_own_process
from .process import ProcessError
from .schedule import Schedule
from .slices import Clock
from .tally import Tally, floor_of, noise_of, of_role, result_of

TIMEOUT = (20.0, 600.0)  # of a pass: times the seconds to race for, and seconds more: checks of a huge cell take long
PASSES_WITH_PARTS = 3  # of a process that others disturb, the median of three knows nothing
SLOW_START = 0.1  # seconds of a first step: what each process compiles for a part anew, the first alone has

InProcess = Callable[[PassJob, float], Pass]


def race(
    job: RaceJob,
    *,
    rng: np.random.Generator | None = None,
    in_process: InProcess = in_own_process,
    clock: Clock = perf_counter,
    progress: Callable[[float], None] = lambda _: None,
) -> Record:
    """Race the entries of the job in its cell for about its seconds (the checks come on top).

    With job.floor the products of a step alone are raced, too, by each library that computes in this race; the
    fastest goes into the record. progress is told the share done after each pass. A contestant that fails its check,
    or raises, or is too slow for five passes within the seconds, is in the record with the reason and without
    timings; where a process dies, or hangs, every contestant has failed by that. Raises InputError where no process
    can be had at all, and where the code has changed since the first race of this process.
    """
    check_seconds(job.seconds)
    revisions.refuse_changed_code()
    rng = rng or np.random.default_rng()
    started, start = datetime.now(UTC).isoformat(timespec="seconds"), clock()
    share, more = TIMEOUT
    timeout = share * job.seconds + more
    laid = msgspec.structs.replace(job, entries=[entry.laid() for entry in job.entries])
    samples = lay_samples(job.cell)
    schedule, tallies, environment, lost = Schedule(job.seconds), list[Tally](), None, list[str]()
    peak: Peak | None = None
    throttled = machine.watch()

    try:
        with machine.reserved(job.cell.threads) as (numbers, shared):
            while not schedule.over:
                still = [tally for tally in tallies if not tally[-1].left_out and not is_told(tally[0], schedule.done)]
                if tallies and not still:
                    break
                planned, last, began = schedule.seconds, schedule.after_this().over, clock()
                places = [msgspec.structs.replace(tally[0], seconds=[]) for tally in still]
                next_pass = PassJob(laid, planned, int(rng.integers(2**32)), places, last, samples, numbers)
                answer = in_process(next_pass, timeout)
                if not tallies:
                    environment, lost, peak = answer.environment, answer.lost_in_rounding, answer.peak
                    tallies = still = [[] for _ in answer.found]
                for tally, place in zip(still, answer.found, strict=True):
                    tally.append(place)
                schedule.took(clock() - began, planned)
                progress(1.0 if last else min(1 - schedule.left / job.seconds, 0.99))
                if last:
                    break
    except ProcessError as error:
        revisions.refuse_changed_code()
        environment = environment or _environment(job, in_process, timeout)
        return without_timings(job, str(error), environment, started, round(clock() - start, 3))
    revisions.refuse_changed_code()
    assert environment is not None, "the first pass tells it"
    environment = msgspec.structs.replace(environment, cores_shared=shared, throttled=throttled())
    raced = zip(of_role(tallies, "contestant"), job.entries, strict=True)
    results = [result_of(tally, one.name, one.commit, within=tallies) for tally, one in raced]
    return Record(
        SCHEMA,
        job.cell,
        [result for result in results if result.cell is None],
        noise_of(tallies, job.entries),
        environment,
        started,
        round(clock() - start, 3),
        floor_of(tallies, job.entries),
        job.seconds,
        job.floor,
        lost,
        apart=True,
        baseline=job.baseline,
        peak=peak,
        elsewhere=[result for result in results if result.cell],
    )


def is_told(place: Place, passes: int) -> bool:
    """Whether it is the part of a time, and has been raced in enough passes."""
    enough = 1 if (place.first_step_seconds or 0.0) > SLOW_START else PASSES_WITH_PARTS
    return place.part and passes >= enough


def without_timings(job: RaceJob, reason: str, environment: Environment, started: str, elapsed: float) -> Record:
    """The record of a race that has come to nothing: every contestant has failed for this reason."""
    results = [
        Result(one.name, left_out=reason, failed=True, commit=one.commit, cell=own)
        for one, own in zip(job.entries, job.elsewhere, strict=True)
    ]
    return Record(
        SCHEMA,
        job.cell,
        [result for result in results if result.cell is None],
        None,
        environment,
        started,
        elapsed,
        seconds=job.seconds,
        floor_asked=job.floor,
        baseline=job.baseline,
        elsewhere=[result for result in results if result.cell],
    )


def check_seconds(seconds: float) -> None:
    """Refuse a time to race for that is none."""
    if not (isfinite(seconds) and seconds > 0):
        raise InputError(f"the seconds to race for must be a positive number, not {seconds:g}")


def lay_samples(cell: Cell) -> str | None:
    """The training part of the cell's data set as a file, for its processes to read: to parse it takes seconds."""
    if cell.data == "random":
        return None
    path = scratch() / f"{Path(cell.data).stem}-{cell.dtype}-{cell.head}.npz"
    if not path.exists():
        digits = datasets.read(cell.data, cell.dtype, cell.head)
        with room():
            np.savez(path, x=digits.x_train, y=digits.y_train)
    return str(path)


def _environment(job: RaceJob, in_process: InProcess, timeout: float) -> Environment:
    """What the job ran on, told by a process like its own: with no engine, and no array that could be too large."""
    tiny = msgspec.structs.replace(job.cell, sizes=(1, 1), batch=1, data="random")
    nobody = PassJob(RaceJob(tiny, [], 1.0, floor=False, pin=job.pin), seconds=0.0, seed=0)
    try:
        environment = in_process(nobody, timeout).environment
    except ProcessError as error:
        raise InputError(f"nothing can be raced here: {error}") from error
    assert environment is not None, "a first pass tells it"
    return environment
