"""Does a sweep survive being killed?  One that is killed with -9 again and again, beside one that is left alone.

    python tests/trials/kill.py results/killed [--kills 10] [--seed 0] [--seconds 0.5]

Both sweeps race the same grid, FOLDER/grid.toml, into FOLDER/undisturbed and FOLDER/killed. The second one's whole
process group is killed at a random moment, a uniform share of the time that is left at the pace of the undisturbed one,
and resumed, so many times over; then it is left to end. Prints for each kill when it fell, how many cells were on disk
and whether the last line was cut off, and at the end whether both folders hold the same cells, none twice and none
lost. Exit status 1 where they don't.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

from bench.cells import grids
from bench.records import record, store

GRID = 'sizes = ["64-30-10", "64-100-10", "64-30-30-10"]\nbatch = [1, 3, 10, 30, 100]\ndtype = ["float32", "float64"]\n'
SHORTEST, SHARE = 0.05, 0.25  # of the time left, so that ten kills all fall before the end


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0.5)
    options = parser.parse_args()
    options.folder.mkdir(parents=True)
    (options.folder / "grid.toml").write_text(GRID)
    cells = grids.cells_of(str(options.folder / "grid.toml"))

    start = time.monotonic()
    status = begin(options, "undisturbed").wait()
    whole = time.monotonic() - start
    print(f"undisturbed: exit status {status}, {len(cells)} cells, {whole:.1f} s", flush=True)

    rng = np.random.default_rng(options.seed)
    folder = options.folder / "killed"
    killed_in_time = 0
    for number in range(1, options.kills + 1):
        before = len(lines(folder))
        left = whole * (len(cells) - before) / len(cells)
        moment = rng.uniform(SHORTEST, max(SHORTEST, SHARE * left))
        sweep = begin(options, "killed", *(["--resume"] if (folder / "sweep.json").exists() else []))
        time.sleep(moment)
        killed_in_time += sweep.poll() is None
        ended = "" if sweep.poll() is None else f"; it had ended with status {sweep.returncode}"
        os.killpg(sweep.pid, signal.SIGKILL)
        sweep.wait()
        found = lines(folder)
        cut = ", the last line cut off" if found and not found[-1].endswith(b"\n") else ""
        print(
            f"kill {number}: after {moment:.2f} s of about {left:.0f} s left; {before} cells before, "
            f"{len(found)} on disk{cut}{ended}",
            flush=True,
        )
    status = begin(options, "killed", "--resume").wait()
    once = []
    for name in ("undisturbed", "killed"):
        found, _ = store.read(options.folder / name / store.FILE, record.Record, record.SCHEMA)
        once.append(Counter(record.cell.id for record in found))
    twice = sum(count > 1 for count in once[1].values())
    lost = len(once[0].keys() - once[1].keys())
    same = once[0] == once[1] == Counter(cell.id for cell in cells)
    print(
        f"resumed to the end: exit status {status}; {killed_in_time} of {options.kills} kills fell before its end; "
        f"{len(once[1])} cells, {twice} twice, {lost} lost: {'the same set' if same else 'NOT the same set'}"
    )
    return int(not same or killed_in_time < options.kills)


def begin(options: argparse.Namespace, name: str, *more: str) -> subprocess.Popen[bytes]:
    """A sweep in a process group of its own."""
    command = [sys.executable, "-m", "bench", "sweep", "--grid", options.folder / "grid.toml"]
    command += ["--engines", "per_sample,full_matrix,fused", "--out", options.folder / name]
    command += ["--seconds", options.seconds, *more]
    return subprocess.Popen(list(map(str, command)), start_new_session=True, stdout=subprocess.DEVNULL)


def lines(folder: Path) -> list[bytes]:
    """The lines of a folder's records, as they lie on the disk."""
    path = folder / store.FILE
    return path.read_bytes().splitlines(keepends=True) if path.exists() else []


if __name__ == "__main__":
    sys.exit(main())
