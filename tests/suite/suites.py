"""A small run of this repository's suite: its options, and a process of its own."""

import os
import subprocess
import sys

from repository import ROOT

GRID = 'sizes = ["8-4-2", "8-6-2"]\nbatch = [1, 4]\n'


def start(*options, folder):
    """Start pytest in a process of its own, whose races take few passes; what lies in the folder can be imported."""
    (folder / "few_passes.py").write_text("from bench.timing import schedule\nschedule.PASSES = (2, 2)\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "few_passes", *map(str, options)]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def small(folder, *options):
    """Options for the suite over a small grid, with results in the folder."""
    grid = folder / "small.toml"
    grid.write_text(GRID)
    return (
        "--benchmark",
        f"--grid={grid}",
        "--cell-seconds=0.4",  # four times what the slowest engine here needs not to be left out
        f"--results={folder / 'out'}",
        "bench/suite/test_step.py",
        *options,
    )
