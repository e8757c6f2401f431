"""One pass of a race in a process of its own: fresh engines, and rounds of slices by the protocol that beats noise.

The parent calls `in_own_process`; the child runs this module: a PassJob goes in, and what the Pass found comes out. The
first pass of a race has no places yet: it checks the contestants and finds how each is timed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from time import perf_counter

import msgspec
import numpy as np

from backprop import Engine, InputError
from backprop.check import hidden, verify_again
from backprop.errors import did_you_mean

from ..cells.cell import Cell
from ..cells.entry import Entry
from ..cells.inputs import Inputs, prepare
from ..records.environment import Environment
from ..records.record import Peak
from . import machine, peak, process
from .admission import (
    admit,
    floors,
    lane_at,
    leave_out_slow,
    out_of_time,
    parts,
    refuse_unhandled,
    second_copy,
    set_strides,
)
from .lane import Lane, Place, attempt, running
from .slices import Clock, run_rounds


class RaceJob(msgspec.Struct, frozen=True):
    """A cell to race in, and how: for so many seconds.

    floor says whether the products alone are raced, too, and what explains a step's time; pin, whether the allocator's
    thresholds are pinned. baseline is the entry that speedups are relative to; None for the rule. cells has for each
    entry the cell that it runs in, of the same threads, where there is one that runs elsewhere: empty for the rule.
    """

    cell: Cell
    entries: list[Entry]
    seconds: float
    floor: bool
    pin: bool
    baseline: str | None = None
    cells: list[Cell] = []

    @property
    def elsewhere(self) -> list[Cell | None]:
        """For each entry the cell that it runs in, None where that is the race's."""
        return [None if own == self.cell else own for own in self.cells] or [None] * len(self.entries)


def among(baseline: str | None, entries: Sequence[Entry]) -> str | None:
    """The name of a baseline, if one is asked for; InputError where it is of none of these entries."""
    names = [entry.name for entry in entries]
    if baseline is not None and baseline not in names:
        near = did_you_mean(baseline, names)
        raise InputError(f"the baseline {baseline!r} is not raced: {near}there are {', '.join(names)}")
    return baseline


class PassJob(msgspec.Struct, frozen=True):
    """A pass of a race to run, of so many seconds of rounds; without places it is the first.

    last says whether the engines are checked once more at the end. samples is the file of the training part of the
    cell's data set; core_numbers are those of the cores that are taken for the race.
    """

    race: RaceJob
    seconds: float
    seed: int
    places: list[Place] = []
    last: bool = False
    samples: str | None = None
    core_numbers: list[int] | None = None


class Pass(msgspec.Struct, frozen=True):
    """What a pass found, place by place; and, if it was the first, on what, and what its network hides of the check.

    peak is what the machine can at the most, if the first pass was a process of its own.
    """

    found: list[Place]
    environment: Environment | None = None
    lost_in_rounding: list[str] = []
    peak: Peak | None = None


def run_pass(job: PassJob, clock: Clock = perf_counter) -> Pass:
    """Run the pass with the job's entries; a first one admits them before.

    Where one fails on the way, the pass is run again without it, so that every place has the same rounds.
    """
    if job.race.pin:
        machine.pin_allocator()
    cell, rng = job.race.cell, np.random.default_rng(job.seed)
    contestants = [entry.imported() for entry in job.race.entries]  # now: their libraries are limited, too
    with machine.alone(cell.threads, job.core_numbers):
        environment = None if job.places else machine.environment()
        if not job.places and (reason := out_of_time(cell, job.race.seconds)):
            found = [Place(entry=number, left_out=reason, after=one.after) for number, one in enumerate(contestants)]
            return Pass(found, environment)
        inputs_of = cache(lambda other: prepare(other or cell, rng, None if other else job.samples))
        inputs = inputs_of(None)
        lanes = [lane_at(place, contestants, inputs_of) for place in job.places]
        lanes = lanes or admitted(job, contestants, inputs_of, clock)
        seconds = job.seconds * (2 if not job.places and any(lane.part for lane in lanes) else 1)  # of twice as many
        engines: dict[int, Engine] = {}
        while running(lanes) and not engines:
            engines = run_rounds(lanes, seconds, rng, clock)
        for i, engine in engines.items() if job.last else ():
            if lanes[i].role == "contestant":
                own = lanes[i].inputs
                attempt(lanes[i], verify_again, lanes[i].fresh, engine, own.network, *own.batches[0])
    found = msgspec.convert(lanes, list[Place], from_attributes=True)
    return Pass(found, environment, [] if job.places else hidden(inputs.network, *inputs.batches[0]))


def run_in_child(job: PassJob) -> Pass:
    """Run the pass in this process, which is made for it; after a first one, with nothing left to time, the peak."""
    found, cell = run_pass(job), job.race.cell
    if job.places or not found.found:
        return found
    with machine.alone(cell.threads, job.core_numbers):
        return msgspec.structs.replace(found, peak=peak.measure(cell.dtype, cell.threads))


def admitted(
    job: PassJob, contestants: Sequence[Entry], inputs_of: Callable[[Cell | None], Inputs], clock: Clock
) -> list[Lane]:
    """The lanes of a race: the contestants, floors, a second copy of the fastest; who is left out has the reason.

    And the parts of what those take that are in it.
    """
    cell = job.race.cell

    def lanes_at(places: Iterable[Place]) -> list[Lane]:
        return [lane_at(place, contestants, inputs_of) for place in places]

    lanes = lanes_at(Place(entry=number, cell=own) for number, own in enumerate(job.race.elsewhere))
    has_floor = job.race.floor and cell.data == "random"  # see Floor
    ground = lanes_at(floors(contestants) if has_floor else [])
    for lane in lanes:
        attempt(lane, refuse_unhandled, lane)
    for lane in running([*lanes, *ground]):
        attempt(lane, admit, lane, job.race.seconds, clock)
    leave_out_slow(lanes, job.race.seconds)
    explained = [lane for lane in running([*lanes, *ground]) if has_floor and lane.cell is None]
    lanes += [*ground, *second_copy(lanes)]
    set_strides(lanes, job.seconds)
    return lanes + [part for whole in explained for part in within(whole, lanes_at(parts(whole, cell)), job, clock)]


def within(whole: Lane, lanes: list[Lane], job: PassJob, clock: Clock) -> list[Lane]:
    """These parts of it, admitted, in the rounds that it is in."""
    for lane in lanes:
        if whole.role == "contestant":
            attempt(lane, refuse_unhandled, lane)
        if not lane.left_out:
            attempt(lane, admit, lane, job.race.seconds, clock)
        lane.stride = whole.stride
    return lanes


def in_own_process(job: PassJob, timeout: float) -> Pass:
    """Run the pass in a fresh process, killed after `timeout` seconds, and with this process when that ends."""
    return process.call("bench.timing.one_pass", job, Pass, timeout=timeout, what="the process of this cell")


if __name__ == "__main__":
    process.serve(PassJob, run_in_child)
