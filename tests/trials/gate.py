"""How far can the gate be trusted?  Whole runs on identical code and on injected slowdowns, beside pytest-benchmark.

    python tests/trials/gate.py run results/gate [--runs 0=26 2=8 3=8 5=8 10=8]      (an hour and three quarters)
    python tests/trials/gate.py tables results/gate

`run` clones this repository's HEAD into a temporary folder and commits, for each slowdown, a change of both engines:
per_sample gets a line without effect, full_matrix real extra work, for so long that its step takes 2, 3, 5 or 10 %
more time; for 0 %, such a line as well. Each run of the gate is a command, `python -m bench gate --against BASE`, in
that clone.
Between them the same commits are judged by `pytest --benchmark-compare-fail` with mean:5% and min:5%, engines, cells
and time alike. All kinds of run are mixed in random order. What is found is appended as soon as a run ends, so that
runs can be added to a folder later:

    runs.jsonl.gz      a line for each run of the gate: verdicts, times, standings
    passes.csv.gz      the two log-ratios of every pass: change over base, and the A/A arm
    compare.jsonl.gz   a line for each comparison by pytest-benchmark
    slower-N.png       the intervals of the last run at N %

`tables` reads them, resamples the passes into runs decided by the gate's own rule, and writes trial.md.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import msgspec
import numpy as np
from gate_tables import COMPARISONS, PASSES, RUNS, lines, tables

from bench.gate import findings, one_pass, track

ROOT = Path(__file__).parents[2]
SLOWDOWNS = (0, 2, 3, 5, 10)  # percent
EXTRA_WORK = """        end = perf_counter()
        end += (end - start) * {percent} / 100
        while perf_counter() < end:
            pass

    def network("""
BENCHMARK = """
import numpy as np, pytest
from threadpoolctl import threadpool_limits
from backprop import Network, load
from bench.cells import grids
from bench.timing import machine
machine.pin_allocator()
CELLS = {cell.id: cell for cell in grids.cells_of("gate")}

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
    default = ["0=26", "2=8", "3=8", "5=8", "10=8"]
    parser.add_argument("--runs", nargs="+", default=default, metavar="PERCENT=COUNT", help="runs of the gate")
    options = parser.parse_args()
    if options.what == "run":
        options.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as place:
            counts = [[int(number) for number in pair.split("=")] for pair in options.runs]
            run(options.folder, Clone(Path(place)), counts)
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
            (engines / "per_sample.py").write_text(plain["per_sample"] + "CHANGED = True\n")
            changed = plain["full_matrix"] + "CHANGED = True\n"
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


def run(folder: Path, clone: Clone, counts: list[list[int]]) -> None:
    """All runs, in random order, numbered on from those in the folder."""
    kinds = [(judge, percent) for percent, count in counts for _ in range(count)]
    kinds += [(compare, percent) for percent, count in counts for _ in range(round(0.45 * count))]
    np.random.default_rng(3).shuffle(kinds)
    before = sum(len(lines(folder / name)) for name in (RUNS, COMPARISONS))
    start = perf_counter()
    for done, (kind, percent) in enumerate(kinds):
        kind(folder, clone, before + done, percent)
        spent = perf_counter() - start
        print(f"{done + 1} of {len(kinds)} runs, {spent:.0f} s", file=sys.stderr, flush=True)


def judge(folder: Path, clone: Clone, number: int, percent: int) -> None:
    """One run of the gate."""
    clone.git("checkout", "--quiet", f"slow-{percent}")
    path, plot = (folder / "gate.json").absolute(), (folder / f"slower-{percent}.png").absolute()
    command = ["-m", "bench", "gate", "--against", clone.base[:10], "--json", str(path), "--plot", str(plot)]
    done, seconds = clone.python(clone.repository, *command)
    assert done.returncode in (0, 1, 3), done.stderr
    record = msgspec.json.decode(path.read_bytes(), type=findings.GateRecord)
    path.unlink()
    rows = []
    with gzip.open(folder / PASSES, "at") as file:
        for found in record.findings:
            passes = len(found.seconds[one_pass.BASE])
            for i in range(passes):
                change, noise = track.pass_ratios({arm: found.seconds[arm][i] for arm in one_pass.ARMS})
                file.write(f"{number},{percent},{found.engine},{found.cell.id},{i},{change:.5f},{noise:.5f}\n")
            rows.append({"engine": found.engine, "cell": found.cell.id, "passes": passes, "verdict": found.verdict})
            rows[-1] |= {"slowdown": found.slowdown, "noise": found.noise, "resolution": found.resolution}
    line = {"run": number, "percent": percent, "exit": done.returncode, "seconds": round(seconds, 1)}
    line |= {"standings": record.standings, "findings": rows, "environment": record.environment}
    append(folder / RUNS, line)


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
    append(folder / COMPARISONS, line)


def append(path: Path, line: dict) -> None:
    with gzip.open(path, "ab") as file:
        file.write(msgspec.json.encode(line) + b"\n")


if __name__ == "__main__":
    main()
