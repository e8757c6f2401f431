"""Four ways to make a product of two square matrices, raced like engines: by elements, columns, blocks, or whole.

They are no engines, as no step is taken: before they are timed, what each makes is compared with the product by NumPy
in float64, and not with a gradient; nothing is checked after the last pass. Processes, passes, rounds and slices are as
in any race; nothing is told of a floor, of parts, or of the most that the machine does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import perf_counter

import msgspec
import numpy as np

from backprop import Engine, EngineError, Network
from backprop.network import Array, quiet

from ..cells.inputs import Inputs, prepare
from ..records.record import Record
from ..timing import machine, process
from ..timing.admission import admit, leave_out_slow, second_copy, set_strides
from ..timing.lane import Lane, Place, attempt, running
from ..timing.one_pass import Pass, PassJob, RaceJob
from ..timing.race import race as run_race
from ..timing.slices import Clock, run_rounds

COLUMNS = 64  # of a block
ULPS = 4  # of the largest sum of magnitudes, for each root of a term: what rounding may come to

Way = Callable[[Array, Array, Array], object]
"""Writes to its last argument, (n, n), the product of the first two."""


def elements(b: Array, c: Array, a: Array) -> None:
    """A dot product for each element."""
    for i in range(len(a)):
        for j in range(len(a)):
            a[i, j] = np.dot(b[i], c[:, j])


def columns(b: Array, c: Array, a: Array) -> None:
    """A matrix times a vector for each column."""
    for j in range(len(a)):
        a[:, j] = np.dot(b, c[:, j])


def blocks(b: Array, c: Array, a: Array) -> None:
    """A product for every so many columns."""
    for j in range(0, len(a), COLUMNS):
        a[:, j : j + COLUMNS] = np.dot(b, c[:, j : j + COLUMNS])


def whole(b: Array, c: Array, a: Array) -> None:
    """One call."""
    np.dot(b, c, out=a)


WAYS: dict[str, Way] = {way.__name__: way for way in (elements, columns, blocks, whole)}


class Product(Engine):
    """What is timed of a way: its step makes the product of the inputs (n, n) and the network's first weights."""

    def __init__(self, network: Network, way: Way) -> None:
        self.initial, self.way = network.copy(), way
        self.made = np.empty_like(self.initial.weights[0])

    @quiet
    def step(self, x: Array, y: Array, eta: float) -> None:  # noqa: ARG002
        self.way(x, self.initial.weights[0], self.made)

    def network(self) -> Network:
        return self.initial.copy()


def race(job: RaceJob) -> Record:
    """Race the ways that the entries of the job are named after, as any other race."""
    return run_race(job, in_process=_in_own_process)


def run_pass(job: PassJob, clock: Clock = perf_counter) -> Pass:
    """A pass of such a race; a first one checks each way, and finds how many products make a slice."""
    if job.race.pin:
        machine.pin_allocator()
    cell, rng = job.race.cell, np.random.default_rng(job.seed)
    with machine.alone(cell.threads, job.core_numbers):
        environment = None if job.places else machine.environment()
        inputs = prepare(cell, rng)
        lanes = [_lane_at(place, job, inputs) for place in job.places] or _admitted(job, inputs, clock)
        engines: dict[int, Engine] = {}
        while running(lanes) and not engines:
            engines = run_rounds(lanes, job.seconds, rng, clock)
    return Pass(msgspec.convert(lanes, list[Place], from_attributes=True), environment)


def _lane_at(place: Place, job: PassJob, inputs: Inputs) -> Lane:
    assert place.entry is not None, place
    lane = Lane(partial(Product, way=WAYS[job.race.entries[place.entry].address]), inputs)
    lane.role, lane.entry, lane.steps, lane.stride = place.role, place.entry, place.steps, place.stride
    return lane


def _admitted(job: PassJob, inputs: Inputs, clock: Clock) -> list[Lane]:
    """The lanes of the ways, and a second copy of the fastest; one that is wrong has failed."""
    lanes = [_lane_at(Place(entry=number), job, inputs) for number in range(len(job.race.entries))]
    for lane in lanes:
        if attempt(lane, _check, lane):
            attempt(lane, admit, lane, job.race.seconds, clock, gradient=False)
    leave_out_slow(lanes, job.race.seconds)
    lanes += second_copy(lanes)
    set_strides(lanes, job.seconds)
    return lanes


def _check(lane: Lane) -> None:
    """Compare what a way makes with the product in float64; EngineError where that is not it."""
    (x, y), made = lane.inputs.batches[0], lane.begun()
    assert isinstance(made, Product)
    made.step(x, y, 0.0)
    b, c = (one.astype(np.float64) for one in (x, made.initial.weights[0]))
    error = float(np.max(np.abs(made.made - b @ c)) / np.max(np.abs(b) @ np.abs(c)))
    lane.gradient_error = error
    allowed = ULPS * np.sqrt(len(b)) * float(np.finfo(made.made.dtype).eps)
    if not error <= allowed:
        raise EngineError(
            f"the product is off by {error:.2g} of its terms' magnitudes; up to {allowed:.2g} is rounding"
        )


def _in_own_process(job: PassJob, timeout: float) -> Pass:
    return process.call(__name__, job, Pass, timeout=timeout, what="the process of this product")


if __name__ == "__main__":
    process.serve(PassJob, run_pass)
