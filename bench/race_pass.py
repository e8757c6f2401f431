"""One pass of a race in a process of its own: fresh engines, and rounds of slices by the protocol that beats noise.

Slices of about 3 ms, taken in turn, see the same wandering of the machine's speed, and their ratios cancel it. The
parent calls `in_own_process`; the child runs this module: a Job goes in, and what the pass Found comes out. The first
pass of a race has no places yet: it checks the contestants and finds how each is timed. The clock is an argument: the
tests drive this file with scripted ones.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import cycle, islice
from math import log2
from time import perf_counter
from typing import Literal, ParamSpec

import msgspec
import numpy as np

from backprop import Engine, EngineError, Network
from backprop.check import hidden, verify, verify_again
from backprop.errors import brief

from . import capacity, machine, process
from .confined import filters_kept, is_interrupt, kept
from .contestants import Contestant
from .course import Course, prepare
from .entrants import Entrant
from .floor import Floor
from .grid import Cell
from .records import Environment
from .tracing import Paused

SLICE_SECONDS = 0.003
PASSES = (5, 20)  # the fewest that give an interval worth printing, and where more no longer pay
ROUNDS = 10  # in each pass, wanted of every contestant that is fast enough
ETA = 1e-6  # so small that the network stays where it is: no saturation, no denormals

Clock = Callable[[], float]
P = ParamSpec("P")


class Place(msgspec.Struct, frozen=True):
    """Who runs where in a race, as each of its passes is told: whose engine, as what, and how it is timed.

    entrant is the number of the entrant whose engine it is; of a floor, the one by whose library the products are, or
    None for BLAS. A slice is so many steps, and one is taken in every stride-th round.
    """

    role: Literal["contestant", "floor", "twin"]
    entrant: int | None
    steps: int = 1
    stride: int = 1


class PassJob(msgspec.Struct, frozen=True):
    """A pass to run: the cell, who takes part, and for how many seconds of rounds.

    Without places it is the first of a race of `race_seconds`. floor says whether the products alone are raced, too;
    pin, whether the allocator's thresholds are pinned; last, whether the engines are checked once more at the end.
    samples is the file of the training part of the cell's data set; core_numbers are those of the cores that are taken
    for the race.
    """

    cell: Cell
    entrants: list[Entrant]
    seconds: float
    race_seconds: float
    floor: bool
    pin: bool
    seed: int
    places: list[Place] = []
    last: bool = False
    samples: str | None = None
    core_numbers: list[int] | None = None


class Found(msgspec.Struct, frozen=True):
    """What a pass found at one place: seconds per step by round, None where it sat a round out; or why there are none.

    failed says that it is the engine's own fault. What is measured once, and what the engine says of itself, is
    there in the first pass alone.
    """

    place: Place
    seconds: list[float | None] = []
    left_out: str | None = None
    failed: bool = False
    first_step_seconds: float | None = None
    gradient_error: float | None = None
    peak_bytes: int | None = None
    commit: str | None = None
    after: str | None = None


class Pass(msgspec.Struct, frozen=True):
    """What a pass found, place by place; and, if it was the first, on what, and what its network hides of the check."""

    found: list[Found]
    environment: Environment | None = None
    hidden: list[str] = []


@dataclass
class Lane:
    """A contestant's place in one pass: how it is timed, and what has been found of it so far.

    What its engines change of numpy's error state is changed in the lane's own context, and for no other.
    """

    name: str
    make: Callable[[Network], Engine]
    role: Literal["contestant", "floor", "twin"] = "contestant"
    entrant: int | None = None
    commit: str | None = None
    after: str | None = None
    traced: bool = True  # tracemalloc sees its memory
    first_step_seconds: float | None = None
    gradient_error: float | None = None
    peak_bytes: int | None = None
    step_seconds: float = 0.0
    steps: int = 1
    stride: int = 1  # takes part in every stride-th round
    seconds: list[float | None] = field(default_factory=list)
    left_out: str | None = None
    failed: bool = False
    context: Context = field(default_factory=copy_context)

    def fresh(self, network: Network) -> Engine:
        """A fresh engine; what making it has changed in this process is put back."""
        with kept():
            return self.make(network)

    @property
    def slice_seconds(self) -> float:
        """What a slice takes, with the untimed step before it."""
        return self.step_seconds * (self.steps + 1)

    def fail(self, error: BaseException) -> None:
        """Leave the contestant out by its own fault, with the error as the reason and no timings."""
        self.left_out = " ".join(str(error).split()) if isinstance(error, EngineError) else brief(error)
        self.failed = True

    def found(self) -> Found:
        return Found(
            Place(self.role, self.entrant, self.steps, self.stride),
            [] if self.left_out else self.seconds,
            self.left_out,
            self.failed,
            self.first_step_seconds,
            self.gradient_error,
            self.peak_bytes,
            self.commit,
            self.after,
        )


def run(job: PassJob, contestants: Sequence[Contestant], clock: Clock = perf_counter) -> Pass:
    """Run the pass with these contestants, those of the job's entrants; a first one admits them before.

    Where one fails on the way, the pass is run again without it, so that every place has the same rounds.
    """
    rng = np.random.default_rng(job.seed)
    with machine.alone(job.cell.threads, job.core_numbers):
        environment = None if job.places else machine.environment()
        if not job.places and (reason := out_of_time(job)):
            return Pass(
                [replace(lane_of(*one), left_out=reason).found() for one in enumerate(contestants)], environment
            )
        course = prepare(job.cell, rng, job.samples)
        lanes = [lane_at(place, contestants) for place in job.places] or admitted(job, contestants, course, clock)
        engines: dict[int, Engine] = {}
        while running(lanes) and not engines:
            engines = run_pass(lanes, course, job.seconds, rng, clock)
        for i, engine in engines.items() if job.last else ():
            if lanes[i].role == "contestant":
                attempt(lanes[i], verify_again, lanes[i].fresh, engine, *course.batches[0])
    return Pass(
        [lane.found() for lane in lanes], environment, [] if job.places else hidden(course.network, *course.batches[0])
    )


def out_of_time(job: PassJob) -> str | None:
    """Why nobody can be raced in this time, where a step takes so long; None where one may try."""
    step = capacity.least_seconds(job.cell.flops, job.cell.dtype)
    needed = 2 * PASSES[0] * 2 * step
    if needed <= job.race_seconds:
        return None
    return (
        f"too slow: the products of a step alone take more than {step:.2g} s, and {PASSES[0]} passes need "
        f"{needed:.1f} s at the least; {job.race_seconds:g} s were given"
    )


def lane_at(place: Place, contestants: Sequence[Contestant]) -> Lane:
    """The lane of a place, as the first pass has found it."""
    if place.role == "floor":
        lane = floor_lane(place.entrant, contestants)
    else:
        assert place.entrant is not None, place
        lane = lane_of(place.entrant, contestants[place.entrant])
        lane.role = place.role
    lane.steps, lane.stride = place.steps, place.stride
    return lane


def lane_of(number: int, contestant: Contestant) -> Lane:
    """The lane of the contestant with this number."""
    own = contestant
    return Lane(own.name, own.make, entrant=number, commit=own.commit, after=own.after, traced=own.traced)


def admitted(job: PassJob, contestants: Sequence[Contestant], course: Course, clock: Clock) -> list[Lane]:
    """The lanes of a race: the contestants, floors, a second copy of the fastest; who is left out has the reason."""
    lanes = [lane_of(number, contestant) for number, contestant in enumerate(contestants)]
    ground = floors(contestants) if job.floor and job.cell.data == "random" else []  # see Floor
    for lane in [*lanes, *ground]:
        attempt(lane, admit, lane, course, job.cell.batch, job.race_seconds, clock)
    leave_out_slow(lanes, job.race_seconds)
    lanes += [*ground, *second_copy(lanes)]
    set_strides(lanes, job.seconds)
    return lanes


def attempt(lane: Lane, act: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> bool:
    """Do something with a contestant's engine; where it raises, the contestant has failed. Whether it went well."""
    try:
        with filters_kept():
            lane.context.run(act, *args, **kwargs)
    except BaseException as error:  # a user's engine may raise anything: the others are raced all the same
        if is_interrupt(error):
            raise
        lane.fail(error)
    return not lane.failed


def admit(lane: Lane, course: Course, batch: int, seconds: float, clock: Clock) -> None:
    """Let the engine take its first two steps, and qualify it unless it is too slow in any field."""
    engine = lane.fresh(course.network)
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
    if lane.role == "contestant":
        lane.gradient_error = verify(lane.fresh, course.network, course.x, course.y, batch)
    x, y = course.batches[0]
    if lane.traced:
        tracemalloc.start()
        try:
            lane.fresh(course.network).step(x, y, ETA)
            lane.peak_bytes = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    engine = lane.fresh(course.network)
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
    others = {one.products: number for number, one in reversed(list(enumerate(contestants))) if one.products}
    return [floor_lane(number, contestants) for number in (None, *others.values())]


def floor_lane(entrant: int | None, contestants: Sequence[Contestant]) -> Lane:
    """The floor by BLAS, or by the library of the entrant with this number."""
    if entrant is None:
        return Lane(Floor.name, Floor, "floor")
    products = contestants[entrant].products
    assert products is not None, entrant
    return Lane(Floor.name, partial(Floor, products=products), "floor", entrant, traced=False)


def second_copy(lanes: Sequence[Lane]) -> list[Lane]:
    """A second copy of the fastest contestant, to be raced in the same rounds: what the machine can resolve."""
    fastest = min(running(lanes), key=lambda lane: lane.step_seconds, default=None)
    return [replace(fastest, role="twin", seconds=[])] if fastest else []


def set_strides(lanes: Sequence[Lane], seconds: float) -> None:
    """Let the slow sit rounds out, so that the fast have ROUNDS of them in a pass of so many seconds."""
    slices = [lane.slice_seconds for lane in running(lanes)]
    if slices:
        fair = max(seconds / ROUNDS / len(slices), min(slices))
        for lane in running(lanes):  # powers of two, so that two slow contestants meet in the same rounds
            lane.stride = 2 ** int(log2(max(1.0, lane.slice_seconds / fair)))


def run_pass(
    lanes: Sequence[Lane], course: Course, seconds: float, rng: np.random.Generator, clock: Clock
) -> dict[int, Engine]:
    """Fresh engines, a warm-up slice of each, then rounds in random order for so many seconds.

    What an engine compiles or tries out once in a process falls into its warm-up. Sets the seconds of each lane and
    returns the engines by lane; where a contestant fails, returns none.
    """
    starters = [i for i, lane in enumerate(lanes) if not lane.left_out]
    engines: dict[int, Engine] = {}
    slices: dict[int, list[float | None]] = {i: [] for i in starters}
    number = 0

    def warm_up(i: int) -> None:
        engines[i] = lanes[i].fresh(course.network)
        time_slice(engines[i], course, lanes[i].steps, clock)

    def take_slice(i: int) -> None:
        taken = time_slice(engines[i], course, lanes[i].steps, clock)
        slices[i].append(float(f"{taken:.6g}"))  # finer digits are noise, and would double the record

    for i in rng.permutation(starters):
        if not attempt(lanes[i], warm_up, i):
            return {}
    end = clock() + seconds
    while number == 0 or clock() < end:
        for i in rng.permutation(starters):
            if number % lanes[i].stride:
                slices[i].append(None)
            elif not attempt(lanes[i], take_slice, i):
                return {}
        number += 1
    for i in starters:
        lanes[i].seconds = slices[i]
    return engines


def running(lanes: Sequence[Lane]) -> list[Lane]:
    """The contestants still in the race."""
    return [lane for lane in lanes if not lane.left_out]


def in_own_process(job: PassJob, timeout: float) -> Pass:
    """Run the pass in a fresh process, killed after `timeout` seconds, and with this process when that ends."""
    return process.call("race_pass", job, Pass, timeout=timeout, what="the process of this cell")


def _answer(job: PassJob) -> Pass:
    if job.pin:
        machine.pin_allocator()
    return run(job, [entrant.contestant() for entrant in job.entrants])


if __name__ == "__main__":
    process.serve(PassJob, _answer)
