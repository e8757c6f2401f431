"""A race by a scripted clock: engines tell it how long they took."""

from stand_ins import made, race_here

from backprop import load
from bench.cells.cell import Cell

CELL = Cell((6, 4, 3), batch=5)
FullMatrix = load("full_matrix")


class Clock:
    """Time passes only when an engine says so; `pace` is how slow the machine is at a given moment."""

    def __init__(self, pace=lambda now: 1.0):
        self.now = 0.0
        self.pace = pace

    def __call__(self):
        return self.now

    def spend(self, seconds):
        self.now += seconds * self.pace(self.now)


def paced(clock, name, seconds, base=FullMatrix):
    """A contestant whose every step takes `seconds` by this clock."""

    class Paced(base):
        made = 0

        def __init__(self, network):
            super().__init__(network)
            Paced.made += 1

        def step(self, x, y, eta):
            super().step(x, y, eta)
            clock.spend(seconds)

    return made(name, Paced)


def run(clock, *contestants, cell=CELL, **more):
    return race_here(cell, contestants, clock=clock, **more)
