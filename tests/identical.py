"""How often does the interval cover the truth?  Races of identical code as two engines, where the truth is 1.

    python tests/identical.py results/identical [RACES]

Races full_matrix and per_sample against themselves in cells of different character, 100 races in all unless
told otherwise, writes the records to the folder, and prints how many of the intervals cover 1.
"""

import sys
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from bench import contestants, grid, machine, records, stats
from bench.race import race

CELLS = [
    ("784-30-10", 10, "full_matrix"),
    ("784-30-10", 10, "per_sample"),
    ("784-100-10", 100, "full_matrix"),
    ("784-300-10", 30, "full_matrix"),
    ("784-100-10", 10, "per_sample"),
]
SECONDS = 1.5


def main(folder: Path, races: int) -> None:
    records.prepare(folder)
    machine.pin_allocator()
    estimates: dict[str, list[stats.Estimate]] = {}
    for number, (sizes, batch, engine) in enumerate(islice(cycle(CELLS), races), start=1):
        twins = contestants.resolve([engine, engine])
        record = race(grid.make_cell(sizes, batch, "float64", 1), twins, seconds=SECONDS, rng=np.random.default_rng())
        records.append(folder, record)
        estimate = stats.speedup(record, record.contestants[1])
        assert estimate is not None, record.contestants
        estimates.setdefault(f"{engine} {sizes} batch {batch}", []).append(estimate)
        print(f"\r{number} of {races} races", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    for name, found in estimates.items():
        print(f"{name:32} {summary(found)}")
    print(f"{'all':32} {summary([estimate for found in estimates.values() for estimate in found])}")


def summary(found: list[stats.Estimate]) -> str:
    covered = sum(estimate.low <= 1 <= estimate.high for estimate in found)
    spread = np.std(np.log([estimate.value for estimate in found]))
    worst = max(abs(estimate.value - 1) for estimate in found)
    return f"covers 1 in {covered} of {len(found)}; estimates' sd {spread:.2%}, worst {worst:.2%}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100)
