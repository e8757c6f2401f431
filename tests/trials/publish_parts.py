"""The parts of publish.py: the commands that race them, those for what else is there, and the files that are kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backprop.functions import HEAD, HIDDEN
from bench.cells import grids
from bench.cells.cell import Cell, format_sizes
from bench.report import reproduce

from . import gate_tables

BENCH = ("-m", "bench")
LADDER = "per_sample,full_matrix,in_place,fused,numba_jit"
PEERS = "torch_eager,torch_by_hand,jax_jit,autograd_tape"
RUNS = {0: 26, 2: 8, 3: 8, 5: 8, 10: 8}  # of the gate, for each slowdown in percent

SHAPES = ("peers", "one", "two", "relu")  # the cells that matter most first: the time may end before the last
WITH_PEERS = ("784-30-10", "64-64-64-10", "24-8-2")
SIDE_BY_SIDE = ("results/published/default", "results/published/xeon")
IN_LIBRARIES = "per_sample,stacked,full_matrix,torch_loop,torch_vmap,torch_eager,jax_loop,jax_vmap,jax_jit"


@dataclass(frozen=True)
class Race:
    """A command that races into {folder}, goes on with `resume` where it has begun with the file `begun`."""

    name: str
    command: Sequence[str]
    begun: str = "sweep.json"
    resume: Sequence[str] = ("--resume",)
    grid: str | None = None  # of {grid}, a file


@dataclass(frozen=True)
class Part:
    """Races whose records make a folder; the commands for what else is there; and the files that stay beside them."""

    races: Sequence[Race]
    made: Sequence[Sequence[str]] = ()
    pages: Sequence[str] = ()


def sweep(name: str, engines: str, seconds: float, grid: str | None = None, named: str = "{grid}") -> Race:
    command = (*BENCH, "sweep", "--grid", named, "--engines", engines, "--seconds", f"{seconds:g}", "--out", "{folder}")
    return Race(name, command, grid=grid)


def parts(seed: int, work: Path) -> dict[str, Part]:
    report = (*BENCH, "report", "{folder}")
    suite = ("-m", "pytest", "--benchmark", "--results={folder}")
    shapes = [
        sweep(f"shapes-{part}-{number}", f"{LADDER},{PEERS}" if part == "peers" else LADDER, 3, grid)
        for part in SHAPES
        for number, grid in enumerate(grid_files(part), start=1)
    ]
    holdout = ("tests/trials/holdout.py", "race", str(seed), "{folder}")
    gate = ("tests/trials/gate.py", "run", "{folder}", "--runs", *runs_left(work / "gate"))
    return {
        "default": Part([Race("default", suite, "suite.json")], [report], ["speedup.csv", "report.md", "report.html"]),
        "shapes": Part(shapes, [report, ("-m", "tests.trials.targets", "{folder}")], ["speedup.csv", "targets.md"]),
        "claims": Part(
            [Race("claims", (*BENCH, "claims", "--out", "{folder}"), "claims.json")], [], ["claims.json", "report.md"]
        ),
        "libraries": Part(
            [sweep("libraries", IN_LIBRARIES, 8, named="libraries")], [report], ["speedup.csv", "report.md"]
        ),
        "model": Part([sweep("model", f"{LADDER},stacked", 1.5, named="model")]),
        "holdout": Part([Race("holdout", holdout, resume=())]),
        "side-by-side": Part([], [[*report[:-1], *SIDE_BY_SIDE, "--out", "{folder}"]], ["report.md"]),
        "gate": Part([Race("gate", gate, resume=())], [("tests/trials/gate.py", "tables", "{folder}")], ["trial.md"]),
    }


def grid_files(part: str) -> list[str]:
    """The cells of this part of the grid `shapes`, as few grid files: each cell of it is in one of one part."""
    own = [cell for cell in grids.cells_of("shapes", here=False) if part_of(cell) == part]
    return ["\n".join([*reproduce.grid_file(axes), ""]) for axes in reproduce.full_grids(own)]


def part_of(cell: Cell) -> str:
    """In which part of SHAPES this cell of the grid is."""
    if (cell.hidden, cell.head) != (HIDDEN, HEAD):
        return "relu"
    if cell.threads > 1:
        return "two"
    return "peers" if format_sizes(cell.sizes) in WITH_PEERS else "one"


def runs_left(folder: Path) -> list[str]:
    """The runs of the gate that the folder has not got, of which there may be none."""
    done = Counter(line["percent"] for line in gate_tables.lines(folder / gate_tables.RUNS))
    left = [f"{percent}={count - done[percent]}" for percent, count in RUNS.items() if count > done[percent]]
    return left or ["0=0"]
