"""The race: several engines timed side by side in one cell, by the protocol that beats a shared machine's noise.

Slices of about 3 ms, taken in turn, see the same wandering of the machine's speed, and their ratios cancel it;
fresh engines in every pass average over where the allocator put their arrays. README, "How it measures", has
the figures. The clock is an argument: the tests drive this file with scripted ones.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import cycle, islice
from math import inf, isfinite, log2
from statistics import median
from time import perf_counter
from typing import ParamSpec

import msgspec
import numpy as np

from backprop import Engine, GradientError, InputError, Network
from backprop.check import check_step, verify

from . import machine
from .contestants import Contestant
from .course import Course, prepare
from .floor import Floor
from .grid import Cell
from .records import SCHEMA, Noise, Record, Result
from .tracing import Paused

SLICE_SECONDS = 0.003
PASSES = (5, 20)  # the fewest that give an interval worth printing, and where more no longer pay
ROUNDS = 10  # in each pass, wanted of every contestant that is fast enough
ETA = 1e-6  # so small that the network stays where it is: no saturation, no denormals

Clock = Callable[[], float]
P = ParamSpec("P")


@dataclass
class Lane:
    """A contestant's place in one race: how it is timed, and what has been found of it so far."""

    name: str
    make: Callable[[Network], Engine]
    commit: str | None = None
    after: str | None = None
    traced: bool = True  # tracemalloc sees its memory
    checked: bool = True  # it is an engine, whose gradient is checked
    by: str | None = None  # of a floor: the engine whose library makes the products
    first_step_seconds: float | None = None
    gradient_error: float | None = None
    peak_bytes: int | None = None
    step_seconds: float = 0.0
    steps: int = 1
    stride: int = 1  # takes part in every stride-th round
    seconds: list[list[float | None]] = field(default_factory=list)
    left_out: str | None = None
    failed: bool = False

    @property
    def slice_seconds(self) -> float:
        """What a slice takes, with the untimed step before it."""
        return self.step_seconds * (self.steps + 1)

    def fail(self, error: Exception) -> None:
        """Leave the contestant out by its own fault, with the error as the reason and no timings."""
        reason = str(error) if isinstance(error, GradientError) else f"{type(error).__name__}: {error}"
        self.left_out = " ".join(reason.split())
        self.failed = True

    def result(self) -> Result:
        if self.left_out:
            return Result(self.name, left_out=self.left_out, failed=self.failed, commit=self.commit, after=self.after)
        return Result(
            self.name,
            self.seconds,
            self.steps,
            self.gradient_error,
            self.peak_bytes,
            commit=self.commit,
            after=self.after,
            first_step_seconds=self.first_step_seconds,
            by=self.by,
        )


def race(
    cell: Cell,
    contestants: Sequence[Contestant],
    *,
    seconds: float,
    rng: np.random.Generator,
    floor: bool = False,
    clock: Clock = perf_counter,
    progress: Callable[[float], None] = lambda _: None,
) -> Record:
    """Race the contestants in this cell for about `seconds` (the checks before and after come on top).

    floor: race the products of a step alone, too, by each library that computes in this race; the fastest goes
    into the record. progress is told the share done after each pass. A contestant that fails its check, or
    raises, or is too slow for five passes within `seconds`, is in the record with the reason and without timings.
    """
    check_seconds(seconds)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    start = clock()
    with machine.alone(cell.threads):
        environment, throttled = machine.environment(), machine.watch()
        course = prepare(cell, rng)
        lanes = [Lane(one.name, one.make, one.commit, one.after, one.traced) for one in contestants]
        ground = floors(contestants) if floor else []
        for lane in [*lanes, *ground]:
            attempt(lane, admit, lane, course, cell.batch, seconds, clock)
        leave_out_slow(lanes, seconds)
        twin = second_copy(lanes)
        run_passes([*lanes, *ground, *([twin] if twin else [])], course, seconds, rng, clock, progress)
    environment = msgspec.structs.replace(environment, throttled=throttled())
    noise = Noise(twin.name, twin.seconds) if twin and not twin.left_out else None
    lowest = min(ground, key=time_taken, default=None)
    results = [lane.result() for lane in lanes]
    elapsed = round(clock() - start, 3)
    return Record(SCHEMA, cell, results, noise, environment, started, elapsed, lowest.result() if lowest else None)


def check_seconds(seconds: float) -> None:
    """Refuse a time to race for that is none."""
    if not (isfinite(seconds) and seconds > 0):
        raise InputError(f"the seconds to race for must be a positive number, not {seconds:g}")


def attempt(lane: Lane, act: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> bool:
    """Do something with a contestant's engine; where it raises, the contestant has failed. Whether it went well."""
    try:
        act(*args, **kwargs)
    except Exception as error:  # a user's engine may raise anything: the others are raced all the same
        lane.fail(error)
    return not lane.failed


def admit(lane: Lane, course: Course, batch: int, seconds: float, clock: Clock) -> None:
    """Let the engine take its first two steps, and qualify it unless it is too slow in any field."""
    engine = lane.make(course.network)
    took = []
    for _ in range(2):
        with Paused():
            start = clock()
            engine.step(*course.batches[0], ETA)
            took.append(clock() - start)
    lane.first_step_seconds, lane.step_seconds = round(took[0], 6), took[1]
    leave_out_slow([lane], seconds)
    if not lane.left_out:
        qualify(lane, course, batch, clock)


def qualify(lane: Lane, course: Course, batch: int, clock: Clock) -> None:
    """Check the gradient, weigh the memory of one step, and find how many steps make a slice."""
    if lane.checked:
        lane.gradient_error = verify(lane.make, course.network, course.x, course.y, batch)
    x, y = course.batches[0]
    if lane.traced:
        tracemalloc.start()
        try:
            lane.make(course.network).step(x, y, ETA)
            lane.peak_bytes = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    engine = lane.make(course.network)
    engine.step(x, y, ETA)
    lane.steps = course.steps or 1
    while (total := lane.steps * time_slice(engine, course, lane.steps, clock)) < SLICE_SECONDS / 3:
        lane.steps *= 2
    lane.step_seconds = total / lane.steps
    lane.steps = course.steps or max(1, round(SLICE_SECONDS / lane.step_seconds))


def time_slice(engine: Engine, course: Course, steps: int, clock: Clock) -> float:
    """Seconds per step of this many consecutive steps, with garbage collection and tracers off.

    An untimed step comes first: the contestant before has left the caches cold, and without it an engine
    timed over three steps differs from its own copy timed over four.
    """
    work = list(islice(cycle(course.batches), steps))
    step = engine.step
    with Paused():
        gc.disable()
        try:
            step(*work[-1], ETA)
            start = clock()
            for x, y in work:
                step(x, y, ETA)
            return (clock() - start) / steps
        finally:
            gc.enable()


def leave_out_slow(lanes: Sequence[Lane], seconds: float) -> None:
    """Leave out, the slowest first, whoever has no room for the fewest passes of a warm-up and one round."""
    spent = 0.0
    for lane in sorted(running(lanes), key=lambda lane: lane.step_seconds):
        spent += PASSES[0] * 2 * lane.slice_seconds
        if spent > seconds:
            lane.left_out = (
                f"too slow: a step takes {lane.step_seconds:.2g} s, and {PASSES[0]} passes need "
                f"{spent:.1f} s; {seconds:g} s were given"
            )


def floors(contestants: Sequence[Contestant]) -> list[Lane]:
    """A floor by BLAS, and one by each other library that an engine in the race computes with."""
    others = {one.products: one.name for one in reversed(contestants) if one.products}
    return [
        Lane(Floor.name, Floor, checked=False),
        *(
            Lane(Floor.name, partial(Floor, products=products), traced=False, checked=False, by=name)
            for products, name in others.items()
        ),
    ]


def time_taken(lane: Lane) -> float:
    """The median of its slices, seconds per step; infinite without any."""
    slices = [] if lane.left_out else [taken for rounds in lane.seconds for taken in rounds if taken is not None]
    return median(slices) if slices else inf


def second_copy(lanes: Sequence[Lane]) -> Lane | None:
    """A second copy of the fastest contestant, to be raced in the same rounds: what the machine can resolve."""
    fastest = min(running(lanes), key=lambda lane: lane.step_seconds, default=None)
    if fastest is None:
        return None
    return Lane(fastest.name, fastest.make, step_seconds=fastest.step_seconds, steps=fastest.steps)


def run_passes(
    lanes: Sequence[Lane],
    course: Course,
    seconds: float,
    rng: np.random.Generator,
    clock: Clock,
    progress: Callable[[float], None],
) -> None:
    """Passes until the time is spent; then the engines of the last one are checked once more.

    A pass in which a contestant fails is run again without it, so that every lane has the same passes.
    """
    slices = [lane.slice_seconds for lane in running(lanes)]
    if not slices:
        return
    passes = min(max(int(seconds / (4 * sum(slices))), PASSES[0]), PASSES[1])
    fair = max(seconds / passes / ROUNDS / len(slices), min(slices))
    for lane in running(lanes):  # powers of two, so that two slow contestants meet in the same rounds
        lane.stride = 2 ** int(log2(max(1.0, lane.slice_seconds / fair)))

    engines: dict[int, Engine] = {}
    done = 0
    while done < passes and running(lanes):
        engines = run_pass(lanes, course, seconds / passes, rng, clock)
        if engines:
            done += 1
            progress(done / passes)
    for i, engine in engines.items():
        if lanes[i].checked:
            attempt(lanes[i], check_step, engine, *course.batches[0])


def run_pass(
    lanes: Sequence[Lane], course: Course, seconds: float, rng: np.random.Generator, clock: Clock
) -> dict[int, Engine]:
    """Fresh engines, a warm-up slice of each, then rounds in random order until the pass's time is spent.

    Appends the pass to each lane and returns the engines by lane; where a contestant fails, returns none and
    appends nothing.
    """
    end = clock() + seconds
    starters = [i for i, lane in enumerate(lanes) if not lane.left_out]
    engines: dict[int, Engine] = {}
    slices: dict[int, list[float | None]] = {i: [] for i in starters}
    number = 0

    def warm_up(i: int) -> None:
        engines[i] = lanes[i].make(course.network)
        time_slice(engines[i], course, lanes[i].steps, clock)

    def take_slice(i: int) -> None:
        taken = time_slice(engines[i], course, lanes[i].steps, clock)
        slices[i].append(float(f"{taken:.6g}"))  # finer digits are noise, and would double the record

    for i in rng.permutation(starters):
        if not attempt(lanes[i], warm_up, i):
            return {}
    while number == 0 or clock() < end:
        for i in rng.permutation(starters):
            if number % lanes[i].stride:
                slices[i].append(None)
            elif not attempt(lanes[i], take_slice, i):
                return {}
        number += 1
    for i in starters:
        lanes[i].seconds.append(slices[i])
    return engines


def running(lanes: Sequence[Lane]) -> list[Lane]:
    """The contestants still in the race."""
    return [lane for lane in lanes if not lane.left_out]
