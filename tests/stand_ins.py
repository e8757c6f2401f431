"""What stands in for the real thing: a clock that a test moves, engines that it makes, its own process, a full disk."""

import errno
import os
from time import perf_counter

import numpy as np

from backprop import load
from bench.cells.entry import Entry
from bench.timing import one_pass
from bench.timing.one_pass import RaceJob
from bench.timing.race import race

PLAIN = """
from backprop import Engine
from backprop.engines.full_matrix import FullMatrix

class Mine(Engine):  # which does not say that it knows other functions than the default ones
    def __init__(self, network): self.own = FullMatrix(network)
    def step(self, x, y, eta): self.own.step(x, y, eta)
    def network(self): return self.own.network()
"""


def made(name, make):
    """An entry whose engine is made by this factory of the test's own."""
    entry = Entry(name, name)
    vars(entry)["make"] = make  # where it is kept once it is imported
    return entry


def engine_file(path, body):
    """A file with an engine that changes full_matrix by this body of its class; returns its path."""
    path.write_text(f"from backprop.engines.full_matrix import FullMatrix\nclass Mine(FullMatrix):\n{body}")
    return path


def race_here(cell, contestants, *, clock=perf_counter, seconds=1.0, floor=False, seed=0, cells=(), **more):
    """A race whose every pass is run in this process, by these contestants and this clock."""
    return race(
        RaceJob(cell, list(contestants), seconds, floor, pin=False, cells=list(cells)),
        rng=np.random.default_rng(seed),
        in_process=lambda job, _: one_pass.run_pass(job, clock),
        clock=clock,
        **more,
    )


class Clock:
    """A clock that only moves when it is told to."""

    now = 0.0

    def __call__(self):
        return self.now


def paced(clock, name, seconds, base=None):
    """An engine whose every step takes so many seconds of the clock."""

    class Paced(base or load("full_matrix")):
        def step(self, x, y, eta):
            super().step(x, y, eta)
            clock.now += seconds

    return made(name, Paced)


def full(_):
    """What a disk without room answers."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
