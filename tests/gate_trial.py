"""How far can the gate be trusted?  Whole runs on identical code and on injected slowdowns, beside pytest-benchmark.

    python tests/gate_trial.py run results/gate [--identical 26] [--slowed 8]      (an hour and a half)
    python tests/gate_trial.py tables results/gate

`run` clones this repository's HEAD into a temporary folder and commits, for each slowdown, a change of both engines:
per_sample gets a comment, full_matrix real extra work, for so long that its step takes 2, 3, 5 or 10 % more time;
for 0 %, a comment as well. Each run of the gate is a command, `python -m bench gate --against BASE`, in that clone.
Between them the same commits are judged by `pytest --benchmark-compare-fail` with mean:5% and min:5%, engines, cells
and time alike. All kinds of run are mixed in random order. What is found is appended as soon as a run ends:

    runs.jsonl      a line for each run of the gate: verdicts, times, standings
    passes.csv.gz   the two log-ratios of every pass: change over base, and the A/A arm
    compare.jsonl   a line for each comparison by pytest-benchmark

`tables` reads them, resamples the passes into runs decided by the gate's own rule, and writes trial.md.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

from bench import gate, grid, records
from bench.verdict import due

ROOT = Path(__file__).parents[1]
TOLERANCE = 0.02
SLOWDOWNS = (0, 2, 3, 5, 10)  # percent
BORDER_RUNS = 2  # of 2 and 3 %, between tolerance and target
CAP = due(6)  # passes of a resampled row: what a run has time for
RESAMPLED = 1000
EXTRA_WORK = """        end = perf_counter()
        end += (end - start) * {percent} / 100
        while perf_counter() < end:
            pass

    def network("""
BENCHMARK = """
import numpy as np, pytest
from threadpoolctl import threadpool_limits
from backprop import Network, load
from bench import grid, machine
machine.pin_allocator()
CELLS = {cell.id: cell for cell in grid.load("gate")}

@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("engine", ["full_matrix", "per_sample"])
def test_step(benchmark, engine, cell):
    cell, rng = CELLS[cell], np.random.default_rng(0)
    network = Network.random(cell.sizes, rng, cell.dtype)
    x = rng.random((cell.batch, cell.sizes[0])).astype(cell.dtype)
    y = np.eye(cell.sizes[-1], dtype=cell.dtype)[rng.integers(cell.sizes[-1], size=cell.batch)]
    with threadpool_limits(1, user_api="blas"):
        benchmark(load(engine)(network).step, x, y, 1e-6)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "tables"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--identical", type=int, default=26, help="runs of the gate on identical code")
    parser.add_argument("--slowed", type=int, default=8, help="runs of the gate at 5 %% and at 10 %% each")
    options = parser.parse_args()
    if options.what == "run":
        options.folder.mkdir(parents=True)
        with tempfile.TemporaryDirectory() as place:
            run(options.folder, Clone(Path(place)), options.identical, options.slowed)
    print(tables(options.folder))


class Clone:
    """A clone of this repository with a commit for each slowdown, and a place for pytest-benchmark's files."""

    def __init__(self, place: Path) -> None:
        self.repository, self.place = place / "clone", place / "pytest"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(self.repository)], check=True)
        self.base = self.git("rev-parse", "HEAD")
        engines = self.repository / "backprop" / "engines"
        plain = {name: (engines / f"{name}.py").read_text() for name in ("full_matrix", "per_sample")}
        for percent in SLOWDOWNS:
            self.git("checkout", "--quiet", "-b", f"slow-{percent}", self.base)
            (engines / "per_sample.py").write_text(plain["per_sample"] + "# a comment\n")
            changed = plain["full_matrix"] + "# a comment\n"
            if percent:
                changed = changed.replace("import numpy", "from time import perf_counter\n\nimport numpy", 1)
                changed = changed.replace(
                    "        m = len(x)\n", "        start = perf_counter()\n        m = len(x)\n"
                )
                changed = changed.replace("\n    def network(", EXTRA_WORK.format(percent=percent))
            (engines / "full_matrix.py").write_text(changed)
            author = ("-c", "user.name=trial", "-c", "user.email=trial@localhost")
            self.git(*author, "commit", "--quiet", "--all", "--message", f"slower by {percent} %")
        self.place.mkdir()
        (self.place / "pytest.ini").write_text("[pytest]\n")
        (self.place / "test_steps.py").write_text(BENCHMARK)

    def git(self, *arguments: str) -> str:
        command = ["git", *arguments]
        done = subprocess.run(command, cwd=self.repository, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def python(self, folder: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], float]:
        """Run Python with the clone's packages; returns the ended process and the seconds that it took."""
        start = perf_counter()
        environment = {**os.environ, "PYTHONPATH": str(self.repository), "COLUMNS": "200"}
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)
        return done, perf_counter() - start


def run(folder: Path, clone: Clone, identical: int, slowed: int) -> None:
    """All runs, in random order."""
    runs = {0: identical, 2: BORDER_RUNS, 3: BORDER_RUNS, 5: slowed, 10: slowed}
    kinds = [(judge, percent) for percent, count in runs.items() for _ in range(count)]
    kinds += [(compare, percent) for percent, count in runs.items() for _ in range(round(0.45 * count))]
    np.random.default_rng(3).shuffle(kinds)
    start = perf_counter()
    for number, (kind, percent) in enumerate(kinds):
        kind(folder, clone, number, percent)
        spent = perf_counter() - start
        print(f"{number + 1} of {len(kinds)} runs, {spent:.0f} s", file=sys.stderr, flush=True)


def judge(folder: Path, clone: Clone, number: int, percent: int) -> None:
    """One run of the gate."""
    clone.git("checkout", "--quiet", f"slow-{percent}")
    path = folder / "gate.json"
    done, seconds = clone.python(
        clone.repository, "-m", "bench", "gate", "--against", clone.base, "--json", str(path.absolute())
    )
    assert done.returncode in (0, 1, 3), done.stderr
    record = json.loads(path.read_text())
    path.unlink()
    rows = []
    for found in record["findings"]:
        cell = records.msgspec.convert(found["cell"], grid.Cell).id
        rows.append({"engine": found["engine"], "cell": cell, "passes": len(found["seconds"]["base"])})
        rows[-1] |= {key: found[key] for key in ("verdict", "slowdown", "noise", "resolution")}
        with gzip.open(folder / "passes.csv.gz", "at") as file:
            for i in range(rows[-1]["passes"]):
                seconds_of = {arm: found["seconds"][arm][i] for arm in gate.ARMS}
                change, noise = gate.pass_ratios(seconds_of)
                file.write(f"{number},{percent},{found['engine']},{cell},{i},{change:.5f},{noise:.5f}\n")
    line = {"run": number, "percent": percent, "exit": done.returncode, "seconds": round(seconds, 1)}
    line |= {"standings": record["standings"], "findings": rows, "environment": record["environment"]}
    append(folder / "runs.jsonl", line)


def compare(folder: Path, clone: Clone, number: int, percent: int) -> None:
    """One comparison by pytest-benchmark: the base saved, then the change compared with it."""
    storage = clone.place / f"storage-{number}"
    line = {"run": number, "percent": percent, "seconds": 0.0}
    fail = ["--benchmark-compare=0001", "--benchmark-compare-fail", "mean:5%", "min:5%"]
    for branch, arguments in ((clone.base, ["--benchmark-save=base"]), (f"slow-{percent}", fail)):
        clone.git("checkout", "--quiet", branch)
        always = ["-m", "pytest", "-q", f"--benchmark-storage={storage}", "--benchmark-max-time=2.8", "test_steps.py"]
        done, seconds = clone.python(clone.place, *always, *arguments)
        line["seconds"] = round(line["seconds"] + seconds, 1)
    said = done.stdout + done.stderr
    assert "Comparing against benchmarks" in said, said
    failed = re.findall(r"test_step\[(\w+)-(\S+)\].*?Field '(\w+)' has failed", said)
    for field in ("mean", "min"):
        line[field] = [f"{engine} {cell}" for engine, cell, of in failed if of == field]
    append(folder / "compare.jsonl", line)


def append(path: Path, line: dict) -> None:
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")


def tables(folder: Path) -> str:
    return ""


if __name__ == "__main__":
    main()
