"""The stopwatch: slices of some consecutive steps, taken in turn, in rounds.

Slices of about 3 ms see the same wandering of the machine's speed, and their ratios cancel it. The clock is an
argument: the tests drive this file with scripted ones.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from itertools import cycle, islice

import numpy as np

from backprop import Engine

from ..cells.inputs import Inputs
from .lane import Lane, attempt
from .tracing import Paused

SLICE_SECONDS = 0.003
ETA = 1e-6  # so small that the network stays where it is: no saturation, no denormals

Clock = Callable[[], float]


def time_slice(engine: Engine, inputs: Inputs, steps: int, clock: Clock) -> float:
    """Seconds per step of this many consecutive steps, with garbage collection and tracers off.

    An untimed step comes first: the contestant before has left the caches cold, and without it an engine
    timed over three steps differs from its own copy timed over four.
    """
    work = list(islice(cycle(inputs.batches), steps))
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


def run_rounds(lanes: Sequence[Lane], seconds: float, rng: np.random.Generator, clock: Clock) -> dict[int, Engine]:
    """Fresh engines, a warm-up slice of each, then rounds in random order for so many seconds.

    What an engine compiles or tries out once in a process falls into its warm-up. Sets the seconds of each lane and
    returns the engines by lane; where a contestant fails, returns none.
    """
    starters = [i for i, lane in enumerate(lanes) if not lane.left_out]
    engines: dict[int, Engine] = {}
    slices: dict[int, list[float | None]] = {i: [] for i in starters}
    number = 0

    def warm_up(i: int) -> None:
        engines[i] = lanes[i].begun()
        time_slice(engines[i], lanes[i].inputs, lanes[i].steps, clock)

    def take_slice(i: int) -> None:
        taken = time_slice(engines[i], lanes[i].inputs, lanes[i].steps, clock)
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
