"""What the tests of engine files share: some of their text, and what becomes of them in a race."""

from bench.cells.cell import Cell
from bench.cells.entry import resolve
from bench.timing.one_pass import PassJob, RaceJob, in_own_process

CELL = Cell((4, 3, 2), 2)
IMPORT = "from backprop.engines.full_matrix import FullMatrix\n"
MINE = IMPORT + "class Mine(FullMatrix):\n    own = True\n"
LATE = f"""{IMPORT}from knobs import RATE
class Late(FullMatrix):
    def step(self, x, y, eta):
        import knobs
        super().step(x, y, knobs.RATE * eta)
"""
LATER = LATE.replace("from knobs import RATE", "")


def loaded(*addresses):
    return [contestant.make for contestant in resolve(addresses)]


def raced(entries):
    """What a first pass finds of each in a process of its own."""
    laid = [one.laid() for one in entries]
    job = PassJob(RaceJob(CELL, laid, 1.0, floor=False, pin=False), 0.05, seed=0)
    return in_own_process(job, 60).found[: len(entries)]


def failed(*addresses):
    return [found.left_out if found.failed else None for found in raced(resolve(addresses))]


def digests(*addresses):
    return [one.digest for one in resolve(addresses)]
