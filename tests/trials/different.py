"""Does a printed interval hold for the next run?  Races of different engines, each repeated.

    python tests/trials/different.py results/different [--races 100] [--seconds 3]

Races five pairs of different engines in turns, each race as the command line would run it, and writes the records to
the folder. The truth is not known, but what the next run will say is: prints, for each pair, how far the runs spread,
how wide the interval was that each printed, and how many of these hold the centre of all runs of the pair.
"""

from __future__ import annotations

import argparse
import sys
from itertools import cycle, islice
from math import exp, log
from pathlib import Path
from statistics import fmean, median, stdev
from time import perf_counter

from bench.analysis import intervals, speedups
from bench.cells import entry
from bench.cells.cell import make_cell
from bench.records import store
from bench.timing.one_pass import RaceJob
from bench.timing.race import race

PAIRS = [  # none of them was looked at when speedups.MOMENTS was chosen
    ("per_sample", "fused", "784-10-10", 30, "float64"),
    ("full_matrix", "in_place", "784-300-10", 10, "float64"),
    ("in_place", "fused", "256-128-10", 32, "float32"),
    ("per_sample", "full_matrix", "64-64-64-10", 100, "float64"),
    ("full_matrix", "fused", "784-30-10", 10, "float32"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--races", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    store.set_aside(options.folder)
    options.folder.mkdir(parents=True, exist_ok=True)
    estimates: dict[tuple[object, ...], list[intervals.Estimate]] = {pair: [] for pair in PAIRS}
    took = []
    for number, pair in enumerate(islice(cycle(PAIRS), options.races), start=1):
        *names, sizes, batch, dtype = pair
        start = perf_counter()
        cell = make_cell(sizes, batch, dtype, 1)
        record = race(RaceJob(cell, entry.resolve(names), options.seconds, floor=False, pin=True))
        took.append(perf_counter() - start)
        store.append(options.folder, record)
        estimate = speedups.factor(record, *record.contestants)
        assert estimate is not None, record.contestants
        estimates[pair].append(estimate)
        print(f"\r{number} of {options.races} races", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    all_held = 0
    for (slow, fast, *where), found in estimates.items():
        logs = [log(each.value) for each in found]
        centre = exp(fmean(logs))
        held = sum(each.low <= centre <= each.high for each in found)
        half = median(log(each.high / each.low) / 2 for each in found)
        all_held += held
        print(
            f"{slow} over {fast}, {' '.join(map(str, where))}: centre {centre:.3g}, between runs sd {stdev(logs):.2%}, "
            f"half an interval {half:.2%}, held the centre {held} of {len(found)}"
        )
    print(f"held the centre: {all_held} of {options.races}; a race took {median(took):.2f} s")


if __name__ == "__main__":
    main()
