"""One pass of a race in a process of its own: fresh engines, and rounds of slices by the protocol that beats noise.

The parent calls `in_own_process`; the child runs this module: a PassJob goes in, and what the Pass found comes out. The
first pass of a race has no places yet: it checks the contestants and finds how each is timed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

import msgspec
import numpy as np

from backprop import Engine
from backprop.check import hidden, verify_again

from ..cells.cell import Cell
from ..cells.entry import Entry
from ..cells.inputs import Inputs, prepare
from ..records.environment import Environment
from . import machine, process
from .admission import admitted, lane_at, lane_of, out_of_time
from .lane import Found, Lane, Place, attempt, running
from .rounds import Clock, run_rounds


class PassJob(msgspec.Struct, frozen=True):
    """A pass to run: the cell, who takes part, and for how many seconds of rounds.

    Without places it is the first of a race of `race_seconds`. floor says whether the products alone are raced, too;
    pin, whether the allocator's thresholds are pinned; last, whether the engines are checked once more at the end.
    samples is the file of the training part of the cell's data set; core_numbers are those of the cores that are taken
    for the race.
    """

    cell: Cell
    entries: list[Entry]
    seconds: float
    race_seconds: float
    floor: bool
    pin: bool
    seed: int
    places: list[Place] = []
    last: bool = False
    samples: str | None = None
    core_numbers: list[int] | None = None


class Pass(msgspec.Struct, frozen=True):
    """What a pass found, place by place; and, if it was the first, on what, and what its network hides of the check."""

    found: list[Found]
    environment: Environment | None = None
    hidden: list[str] = []


def run(job: PassJob, clock: Clock = perf_counter) -> Pass:
    """Run the pass with the job's entries; a first one admits them before.

    Where one fails on the way, the pass is run again without it, so that every place has the same rounds.
    """
    rng = np.random.default_rng(job.seed)
    contestants = [entry.imported() for entry in job.entries]  # now: of their libraries, too, the threads are limited
    with machine.alone(job.cell.threads, job.core_numbers):
        environment = None if job.places else machine.environment()
        if not job.places and (reason := out_of_time(job.cell, job.race_seconds)):
            return Pass(
                [replace(lane_of(*one), left_out=reason).found() for one in enumerate(contestants)], environment
            )
        inputs = prepare(job.cell, rng, job.samples)
        lanes = [lane_at(place, contestants) for place in job.places] or _admitted(job, contestants, inputs, clock)
        engines: dict[int, Engine] = {}
        while running(lanes) and not engines:
            engines = run_rounds(lanes, inputs, job.seconds, rng, clock)
        for i, engine in engines.items() if job.last else ():
            if lanes[i].role == "contestant":
                attempt(lanes[i], verify_again, lanes[i].fresh, engine, *inputs.batches[0])
    return Pass(
        [lane.found() for lane in lanes], environment, [] if job.places else hidden(inputs.network, *inputs.batches[0])
    )


def _admitted(job: PassJob, contestants: Sequence[Entry], inputs: Inputs, clock: Clock) -> list[Lane]:
    return admitted(
        contestants,
        job.cell,
        inputs,
        seconds=job.seconds,
        race_seconds=job.race_seconds,
        floor=job.floor,
        clock=clock,
    )


def in_own_process(job: PassJob, timeout: float) -> Pass:
    """Run the pass in a fresh process, killed after `timeout` seconds, and with this process when that ends."""
    return process.call("bench.timing.one_pass", job, Pass, timeout=timeout, what="the process of this cell")


def _answer(job: PassJob) -> Pass:
    if job.pin:
        machine.pin_allocator()
    return run(job)


if __name__ == "__main__":
    process.serve(PassJob, _answer)
