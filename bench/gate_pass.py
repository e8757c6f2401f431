"""One pass of the gate in a process of its own: an engine of two trees, over the cells that are still undecided.

The parent writes a Job as one line to standard input and reads an Answer from standard output. It keeps standard
input open as long as it lives: when it is killed, this process ends with it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Thread
from time import perf_counter

import msgspec
import numpy as np
from threadpoolctl import threadpool_limits

from backprop import Engine, Network
from backprop.check import check_step

from . import machine, revision
from .course import Course, prepare
from .grid import Cell
from .race import Clock, Lane, attempt, qualify, run_pass
from .revision import Tree

SLICE_SECONDS = 0.0002
CHANGE, BASE, TWIN = ARMS = ("change", "base", "twin")  # the twin is a second engine of the base: the A/A arm


class Lap(msgspec.Struct, frozen=True):
    """A cell to race in; without steps, the engines are checked there first and the steps of a slice found."""

    cell: Cell
    seconds: float
    steps: int | None = None


class Job(msgspec.Struct, frozen=True):
    """A pass: the engine, the folders of the two trees, the cells in order, and the seconds for each."""

    engine: str
    change: str
    base: str
    laps: list[Lap]
    pin: bool


class Rounds(msgspec.Struct, frozen=True):
    """What a lap found: seconds per step of each arm, by round; or of which arm the engine failed, and how."""

    steps: int = 0
    seconds: dict[str, list[float]] = {}
    failed: dict[str, str] = {}


def run(job: Job, clock: Clock = perf_counter) -> list[Rounds]:
    """Race the change and twice the base in each cell; a round is a slice of each, in random order."""
    folders = {CHANGE: job.change, BASE: job.base, TWIN: job.base}
    # The twin's code is loaded again: shared with the base it would be run twice as often as the change's, and
    # in small cells the change then looks slower by a tenth of a percent.
    rng = np.random.default_rng()
    order = [ARMS[i] for i in rng.permutation(len(ARMS))]
    makes = {arm: revision.load(job.engine, Tree(arm, Path(folders[arm]))).make for arm in order}
    return [_lap(lap, makes, rng, clock) for lap in job.laps]


def _lap(
    lap: Lap,
    makes: Mapping[str, Callable[[Network], Engine]],
    rng: np.random.Generator,
    clock: Clock,
) -> Rounds:
    course = prepare(lap.cell, rng)
    lanes = [Lane(arm, makes[arm], steps=lap.steps or 1) for arm in ARMS]
    with threadpool_limits(limits=lap.cell.threads, user_api="blas"):
        if lap.steps is None:
            _check(lanes, course, lap.cell.batch, clock)
        engines = {} if any(lane.failed for lane in lanes) else run_pass(lanes, course, lap.seconds, rng, clock)
        if lap.steps is None:  # once more, after some hundred steps
            for i, engine in engines.items():
                attempt(lanes[i], check_step, engine, *course.batches[0])
    failed = {lane.name: lane.left_out for lane in lanes if lane.left_out}
    if failed:
        return Rounds(failed=failed)
    slices = {lane.name: [taken for taken in lane.seconds[0] if taken] for lane in lanes}
    return Rounds(lanes[0].steps, slices)


def _check(lanes: list[Lane], course: Course, batch: int, clock: Clock) -> None:
    """Check the change and the base, and give every arm the steps of the base: alike in all but the code."""
    change, base, _ = lanes
    good = [attempt(lane, qualify, lane, course, batch, clock) for lane in (change, base)]
    if all(good):
        for lane in lanes:
            lane.steps = max(1, round(SLICE_SECONDS / base.step_seconds))


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C is the parent's to tell
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever an engine prints is no part of the answer
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=Job)
    Thread(target=_end_with_parent, daemon=True).start()
    if job.pin:
        machine.pin_allocator()
    answer.write(msgspec.json.encode(run(job)))
    answer.flush()
    os._exit(0)  # with the thread still reading, the interpreter would not shut down cleanly
