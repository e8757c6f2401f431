"""What the tests of the sweep share: races made up at once, a folder's cells, a refusal."""

import msgspec
from examples import make_record
from stand_ins import engine_file

from bench.cells.cell import Cell
from bench.records import store
from bench.records.record import SCHEMA, Record

QUICK = ("--seconds", 0.05, "--no-floor")
CELL = Cell((4, 3, 2), 2)


def fake_race(job):
    """A record as race would have made it, at once."""
    return msgspec.structs.replace(make_record(job.cell.batch), cell=job.cell)


def batches(folder):
    """The batch sizes of the cells recorded, in their order."""
    found, _ = store.read(folder / store.FILE, Record, SCHEMA)
    return [record.cell.batch for record in found]


def refused(told, *words):
    """Whether the command line ended with status 2 and one line that holds these words."""
    status, _, err = told
    assert status == 2, told
    assert err.startswith("backprop-bench: ")
    assert err.count("\n") == 1
    for word in words:
        assert word in err, err


def engine_that(path, in_step):
    """A file with an engine that does this too in each of its steps; returns its path."""
    return engine_file(
        path,
        "    def step(self, x, y, eta):\n        import os, signal, time\n"
        f"        {in_step}\n        super().step(x, y, eta)\n",
    )
