"""How far can a measured factor be trusted?  Identical code against itself, where the truth is 1.

    python tests/trials/identical.py results/identical [--races 100] [--allocator pinned]

Races full_matrix and per_sample against themselves in cells of different character, and times the same pairs one
after the other, for as long, as is usually done. Writes the records and one-after-the-other.csv to the folder;
prints how many intervals cover 1, and how far off each way was.
"""

from __future__ import annotations

import argparse
import sys
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import pandas as pd

from bench.analysis import speedup_frame, speedups
from bench.cells.cell import Cell, make_cell
from bench.cells.entry import Entry, resolve
from bench.cells.inputs import prepare
from bench.records import outputs, store
from bench.timing import machine
from bench.timing.one_pass import RaceJob
from bench.timing.race import race
from bench.timing.slices import time_slice

CELLS = [
    ("784-30-10", 10, "full_matrix"),
    ("784-30-10", 10, "per_sample"),
    ("784-100-10", 100, "full_matrix"),
    ("784-300-10", 30, "full_matrix"),
    ("784-100-10", 10, "per_sample"),
]
SECONDS = 1.5
METHODS = ("race", "medians", "minima")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--races", type=int, default=100)
    parser.add_argument("--allocator", choices=["pinned", "default"], default="pinned")
    options = parser.parse_args()
    store.set_aside(options.folder)
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.allocator == "pinned":
        machine.pin_allocator()
    rows = []
    for number, (sizes, batch, engine) in enumerate(islice(cycle(CELLS), options.races), start=1):
        cell, twins = make_cell(sizes, batch, "float64", 1), resolve([engine, engine])
        pin = options.allocator == "pinned"
        record = race(RaceJob(cell, twins, SECONDS, floor=False, pin=pin))
        store.append(options.folder, record)
        estimate = speedups.speedup(record, record.contestants[1])
        assert estimate is not None, record.contestants
        steps = record.contestants[0].steps_per_slice
        assert steps is not None
        medians, minima = one_after_the_other(cell, twins, steps)
        covered = estimate.low <= 1 <= estimate.high
        rows.append((f"{engine} {cell.id}", covered, estimate.value, medians, minima))
        print(f"\r{number} of {options.races} races", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    results = pd.DataFrame(rows, columns=["what", "covered", *METHODS])
    outputs.write(options.folder / "one-after-the-other.csv", speedup_frame.csv(results))
    for what, part in [*results.groupby("what", sort=False), ("all", results)]:
        off = {method: np.abs(np.log(part[method])) for method in METHODS}
        spreads = "; ".join(
            f"{method} sd {np.sqrt((e**2).mean()):.2%}, worst {e.max():.1%}" for method, e in off.items()
        )
        print(f"{what:42} covered {part['covered'].sum()}/{len(part)}; {spreads}")


def one_after_the_other(cell: Cell, twins: list[Entry], steps: int) -> tuple[float, float]:
    """The ratio of medians and of minima, each twin timed alone for half the time of a race, slices as in one."""
    inputs = prepare(cell, np.random.default_rng())
    taken = []
    for twin in twins:
        engine = twin.make(inputs.network)
        end = perf_counter() + SECONDS / 2
        slices = []
        while perf_counter() < end:
            slices.append(time_slice(engine, inputs, steps, perf_counter))
        taken.append(slices)
    return median(taken[0]) / median(taken[1]), min(taken[0]) / min(taken[1])


if __name__ == "__main__":
    main()
