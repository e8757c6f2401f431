"""What the tests of the gate share: a run of it, a stand-in for the machine, what a record says."""

import numpy as np

from bench.cells.cell import Cell
from bench.gate import field, one_pass, touched
from bench.gate.one_pass import Rounds
from bench.gate.run import gate

CELLS = [Cell((6, 4, 3), 2), Cell((6, 4, 3), 5)]
FULL, LOOP = "backprop/engines/full_matrix.py", "backprop/engines/per_sample.py"


class Machine:
    """Answers for the processes of passes: made-up slices, and a clock that the passes advance.

    slower holds the true slowdown of an engine, or of an (engine, cell); noise is the spread of a pass.
    """

    def __init__(self, slower=None, noise=0.005, seconds=1.0):
        self.slower, self.noise, self.seconds = slower or {}, noise, seconds
        self.rng = np.random.default_rng(5)
        self.now = 0.0
        self.jobs = []

    def clock(self):
        return self.now

    def __call__(self, job, timeout):
        self.jobs.append(job)
        self.now += self.seconds
        return [self.rounds(job.engine, lap.cell) for lap in job.laps]

    def rounds(self, engine, cell):
        true = {"change": 1 + self.slower.get((engine, cell), self.slower.get(engine, 0.0)), "base": 1.0, "twin": 1.0}
        once = np.exp(self.noise * self.rng.standard_normal(3))
        seconds = {arm: [1e-4 * true[arm] * shift] * 3 for arm, shift in zip(true, once, strict=True)}
        return Rounds(2, seconds)


def judge(machine=None, cells=CELLS, budget=180.0, **options):
    """A run of the gate on this machine, or with real passes in this very process."""
    here = {"in_process": lambda job, timeout: one_pass.run_laps(job), "see": lambda job, timeout: touched.look(job)}
    options = here | options
    if machine:
        options |= {"in_process": machine, "clock": machine.clock}
    rng = np.random.default_rng(1)
    return gate(
        "HEAD", cells, home=field.repository_here(), tolerance=0.02, budget=budget, pin=False, rng=rng, **options
    )


def verdicts(record):
    return {(found.engine, found.cell.batch): found.verdict for found in record.findings}


def standings(record):
    return {standing.engine: standing.state for standing in record.standings}
