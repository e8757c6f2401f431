"""The parts of publish.py: the commands that race them, those for what else is there, and the files that are kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import gate_tables

BENCH = ("-m", "bench")
LADDER = "per_sample,full_matrix,in_place,fused,numba_jit"
PEERS = "torch_eager,torch_by_hand,jax_jit,autograd_tape"
RUNS = {0: 26, 2: 8, 3: 8, 5: 8, 10: 8}  # of the gate, for each slowdown in percent

SHAPES = {  # the cells that matter most first: the time may end before the last
    "peers": """
sizes = ["784-30-10", "64-64-64-10", "24-8-2"]
batch = [1, 10, 32, 100, 1000]
dtype = ["float32", "float64"]
""",
    "one": """
sizes = ["784-300-10", "4-32-16-4", "256-128-10", "784-10-10", "784-100-10", "784-100-100-10", "512-512-512-10"]
batch = [1, 10, 32, 100, 1000]
dtype = ["float32", "float64"]
""",
    "two": """
sizes = ["64-64-64-10", "784-300-10", "512-512-512-10", "784-30-10", "256-128-10", "784-100-10", "784-100-100-10",
         "784-10-10", "24-8-2", "4-32-16-4"]
batch = [1, 10, 32, 100, 1000]
dtype = ["float32", "float64"]
threads = [2]
""",
    "relu": """
sizes = ["784-30-10", "64-64-64-10", "24-8-2"]
batch = [1, 10, 32, 100, 1000]
dtype = ["float32", "float64"]
hidden = ["relu"]
head = ["softmax-cross-entropy"]
""",
}
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
        sweep(f"shapes-{name}", f"{LADDER},{PEERS}" if name == "peers" else LADDER, 3, grid)
        for name, grid in SHAPES.items()
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


def runs_left(folder: Path) -> list[str]:
    """The runs of the gate that the folder has not got, of which there may be none."""
    done = Counter(line["percent"] for line in gate_tables.lines(folder / gate_tables.RUNS))
    left = [f"{percent}={count - done[percent]}" for percent, count in RUNS.items() if count > done[percent]]
    return left or ["0=0"]
