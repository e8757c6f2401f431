"""One pass of the gate in a process of its own: an engine of two trees, over the cells that are still undecided.

The parent calls `in_own_process`; the child runs this module: a GateJob goes in, and its Rounds, a lap each, come out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter

import msgspec
import numpy as np

from backprop import Engine, Network
from backprop.check import verify_again

from ..cells.cell import Cell
from ..cells.entry import Entry
from ..cells.inputs import prepare
from ..timing import machine, process
from ..timing.admission import qualify, refuse_unhandled
from ..timing.lane import Lane, attempt
from ..timing.slices import ETA, Clock, run_rounds

# A fifteenth of the race's slice. Interruptions of a shared machine are rarer than this: most slices see none, and
# medians pass over the rest, so that passes of a few hundredths of a second agree several times better.
SLICE_SECONDS = 0.0002
TICK = 1e-9  # seconds: a clock that stood still has moved by less, and a ratio needs a number
CHANGE, BASE, TWIN = ARMS = ("change", "base", "twin")  # the twin is a second engine of the base: the A/A arm


class Lap(msgspec.Struct, frozen=True):
    """A cell to race in; without steps, the engines are checked there first and the steps of a slice found."""

    cell: Cell
    seconds: float
    steps: int | None = None


class GateJob(msgspec.Struct, frozen=True):
    """A pass: the engine as each arm has it, the cells in order, and the seconds for each.

    core_numbers are those of the cores that are taken for the gate.
    """

    engine: str
    arms: dict[str, Entry]
    laps: list[Lap]
    pin: bool
    core_numbers: list[int] | None = None


class Rounds(msgspec.Struct, frozen=True):
    """What a lap found: seconds per step of each arm, by round; or of which arm the engine failed, and how.

    unfit says of which arm the engine can't train the lap's network, and why: then there is nothing to compare.
    """

    steps: int = 0
    seconds: dict[str, list[float]] = {}
    failed: dict[str, str] = {}
    unfit: dict[str, str] = {}


def run_laps(job: GateJob, clock: Clock = perf_counter) -> list[Rounds]:
    """Race the change and twice the base in each cell; a round is a slice of each, in random order."""
    if job.pin:
        machine.pin_allocator()
    # The twin's code is loaded again: shared with the base it would be run twice as often as the change's, and
    # in small cells the change then looks slower by a tenth of a percent.
    rng = np.random.default_rng()
    order = [ARMS[i] for i in rng.permutation(len(ARMS))]
    makes = {arm: job.arms[arm].make for arm in order}
    return [_lap(lap, job.core_numbers, makes, rng, clock) for lap in job.laps]


def _lap(
    lap: Lap,
    numbers: list[int] | None,
    makes: Mapping[str, Callable[[Network], Engine]],
    rng: np.random.Generator,
    clock: Clock,
) -> Rounds:
    inputs = prepare(lap.cell, rng)
    lanes = [Lane(makes[arm], inputs, steps=lap.steps or 1) for arm in ARMS]
    arms = dict(zip(ARMS, lanes, strict=True))
    for lane in lanes:
        attempt(lane, refuse_unhandled, lane)
    if unfit := {arm: lane.left_out for arm, lane in arms.items() if lane.left_out and not lane.failed}:
        return Rounds(unfit=unfit)
    with machine.alone(lap.cell.threads, numbers and numbers[-lap.cell.threads :]):
        if lap.steps is None:
            _check(lanes, clock)
        for i in rng.permutation(len(lanes)):
            if not lanes[i].failed:
                attempt(lanes[i], _first_step, lanes[i])
        engines = {} if any(lane.failed for lane in lanes) else run_rounds(lanes, lap.seconds, rng, clock)
        for lane in lanes if not engines else ():  # whether the others fail, too, by themselves
            if not lane.left_out:
                run_rounds([lane], lap.seconds, rng, clock)
        if lap.steps is None:  # once more, after some hundred steps
            for i, engine in engines.items():
                attempt(lanes[i], verify_again, lanes[i].fresh, engine, inputs.network, *inputs.batches[0])
    if failed := {arm: lane.left_out for arm, lane in arms.items() if lane.left_out}:
        return Rounds(failed=failed)
    return Rounds(lanes[0].steps, {arm: [max(taken or 0.0, TICK) for taken in arms[arm].seconds] for arm in arms})


def _first_step(lane: Lane) -> None:
    """Let the code compile or try out what it does once in a process, off the clock of the lap."""
    lane.begun().step(*lane.inputs.batches[0], ETA)


def _check(lanes: list[Lane], clock: Clock) -> None:
    """Check the change and the base, and give every arm the steps of the base: alike in all but the code."""
    change, base, _ = lanes
    good = [attempt(lane, qualify, lane, clock) for lane in (change, base)]
    if all(good):
        for lane in lanes:
            lane.steps = max(1, round(SLICE_SECONDS / base.step_seconds))


def in_own_process(job: GateJob, timeout: float) -> list[Rounds]:
    """Run the pass in a fresh process, killed after `timeout` seconds, and with this process when that ends."""
    return process.call("bench.gate.one_pass", job, list[Rounds], timeout=timeout, what="the process of a pass")


if __name__ == "__main__":
    process.serve(GateJob, run_laps)
