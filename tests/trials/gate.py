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
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from statistics import median
from time import perf_counter

import msgspec
import numpy as np
import pandas as pd
from scipy.stats import beta

from bench.cells import grids
from bench.gate import findings, one_pass, track
from bench.gate.rule import ERROR, Row, due
from bench.records import outputs

ROOT = Path(__file__).parents[2]
TOLERANCE = 0.02
SLOWDOWNS = (0, 2, 3, 5, 10)  # percent
CAP = due(6)  # passes of a resampled row: what a run has time for
RESAMPLED = 1000
RUNS, COMPARISONS, PASSES = "runs.jsonl.gz", "compare.jsonl.gz", "passes.csv.gz"
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


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()] if path.exists() else []


def append(path: Path, line: dict) -> None:
    with gzip.open(path, "ab") as file:
        file.write(msgspec.json.encode(line) + b"\n")


def tables(folder: Path) -> str:
    """The tables (a), (b) and (c) as Markdown, also written to trial.md."""
    runs, comparisons = lines(folder / RUNS), lines(folder / COMPARISONS)
    columns = ["run", "percent", "engine", "cell", "pass", "change", "identical"]
    passes = pd.read_csv(folder / PASSES, names=columns)
    about = runs[0]["environment"]
    text = [
        f"{about['cpu']}, {about['cores']} cores; {about['python']}, numpy {about['packages']['numpy']}; gate at "
        f"{gate_terms()}",
        "",
        "Whole runs of the gate (full_matrix is slowed down, per_sample is the same but for a line without effect):",
        "",
        "| injected | measured | runs | red | cells of full_matrix red | of per_sample red | improved | inconclusive "
        "| exit 3 | seconds, median | worst |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    text += [gate_line(percent, [run for run in runs if run["percent"] == percent]) for percent in percents(runs)]
    identical = [run for run in runs if run["percent"] == 0]
    text += ["", "Of these, the runs that named a cell of full_matrix as regressed:", "", *named(runs)]
    red = sum(run["exit"] == 1 for run in identical)
    text += [
        "",
        f"Identical code: {red} of {len(identical)} runs red; with 95 % confidence, fewer than "
        f"{bound(red, len(identical)):.1%} of runs are. {spread(passes[passes['percent'] == 0])}",
        "",
        f"{RESAMPLED} runs for each slowdown, resampled from the passes (those that all cells of an engine have) and "
        f"decided by the gate's own rule, at most {CAP} passes a cell:",
        "",
        "| injected | passes in the pool | runs red | cells of full_matrix red | of per_sample red | improved "
        "| inconclusive | passes a cell, median |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        *(resample(part) for _, part in passes.groupby("percent")),
        "",
        f"None of {RESAMPLED} means: with 95 % confidence fewer than {bound(0, RESAMPLED):.1%} of runs drawn from this "
        "pool.",
        "",
        "pytest-benchmark, the same commits, engines and cells; red where any of 24 rows is more than 5 % up:",
        "",
        "| injected | comparisons | seconds, median | mean:5% red | its rows of full_matrix | of per_sample "
        "| min:5% red | its rows of full_matrix | of per_sample |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    text += [
        compare_line(percent, [of for of in comparisons if of["percent"] == percent])
        for percent in percents(comparisons)
    ]
    whole = "\n".join(text) + "\n"
    outputs.write(folder / "trial.md", whole.encode())
    return whole


def percents(found: list[dict]) -> list[int]:
    return sorted({line["percent"] for line in found})


def named(runs: list[dict]) -> list[str]:
    """A table of the cells, and how many runs named each."""
    slowed = [percent for percent in percents(runs) if percent]
    total = Counter(run["percent"] for run in runs)
    red = Counter(
        (finding["cell"], run["percent"])
        for run in runs
        for finding in run["findings"]
        if finding["engine"] == "full_matrix" and finding["verdict"] == "regressed"
    )
    head = [cells("cell", *(f"{percent} %" for percent in slowed)), "| --- |" + " ---: |" * len(slowed)]
    return head + [
        cells(cell.id, *(f"{red[cell.id, percent]} of {total[percent]}" for percent in slowed))
        for cell in grids.cells_of("gate")
    ]


def gate_terms() -> str:
    return f"tolerance {TOLERANCE:.0%}, error {ERROR:.0%} a run, {len(grids.cells_of('gate'))} cells, two engines"


def gate_line(percent: int, runs: list[dict]) -> str:
    found = [finding for run in runs for finding in run["findings"]]
    slowed = [finding for finding in found if finding["engine"] == "full_matrix"]
    other = [finding for finding in found if finding["engine"] == "per_sample"]
    seconds = [run["seconds"] for run in runs]
    return cells(
        f"{percent} %",
        f"{median(finding['slowdown']['value'] for finding in slowed) - 1:+.1%}",
        len(runs),
        sum(run["exit"] == 1 for run in runs),
        share(slowed, "regressed"),
        share(other, "regressed"),
        share(found, "improved"),
        share(found, "inconclusive"),
        sum(run["exit"] == 3 for run in runs),
        f"{median(seconds):.0f}",
        f"{max(seconds):.0f}",
    )


def compare_line(percent: int, found: list[dict]) -> str:
    told = [f"{percent} %", len(found), f"{median(line['seconds'] for line in found):.0f}"]
    rows = len(grids.cells_of("gate")) * len(found)
    for field in ("mean", "min"):
        told.append(sum(bool(line[field]) for line in found))
        red = [row.split()[0] for line in found for row in line[field]]
        told += [f"{red.count(engine)} of {rows}" for engine in ("full_matrix", "per_sample")]
    return cells(*told)


def resample(passes: pd.DataFrame) -> str:
    """A line of the table: runs drawn from the passes, each row decided by the rule."""
    percent = passes["percent"].iloc[0]
    pools = {engine: pool(part) for engine, part in passes.groupby("engine")}
    rng = np.random.default_rng(0)
    rows = sum(len(own) for own, _ in pools.values())
    verdicts: list[list[tuple[str, str]]] = []
    lengths = []
    for _ in range(RESAMPLED):
        verdicts.append([])
        for engine, (own, values) in pools.items():
            drawn = values[rng.integers(len(values), size=CAP)]
            for i in range(len(own)):
                row = Row(TOLERANCE, rows)
                for change, identical in drawn[:, i]:
                    row.add(change, identical)
                    if row.verdict:
                        break
                row.close()
                verdicts[-1].append((engine, row.verdict or ""))
                lengths.append(len(row.slowdowns))
    counts = Counter(found for run in verdicts for found in run)
    total = {engine: RESAMPLED * len(own) for engine, (own, _) in pools.items()}
    red = sum(any(verdict == "regressed" for _, verdict in run) for run in verdicts)

    def of(verdict: str, *engines: str) -> str:
        return f"{sum(counts[engine, verdict] for engine in engines) / sum(total[engine] for engine in engines):.2%}"

    return cells(
        f"{percent} %",
        " and ".join(str(len(values)) for _, values in pools.values()),
        f"{red} of {RESAMPLED}",
        of("regressed", "full_matrix"),
        of("regressed", "per_sample"),
        of("improved", *pools),
        of("inconclusive", *pools),
        f"{median(lengths):g}",
    )


def spread(passes: pd.DataFrame) -> str:
    """How far passes of identical code lie apart, and how heavy their tails are."""
    groups = passes.groupby(["engine", "cell"])["change"]
    off = (passes["change"] - groups.transform("median")).abs()
    core = 1.4826 * off.groupby([passes["engine"], passes["cell"]]).transform("median")
    return (
        f"A pass of identical code has a standard deviation (1.48 times the median deviation) of {core.median():.2%} "
        f"in the median cell, {core.min():.2%} to {core.max():.2%}; {(off > 3 * core).mean():.1%} of passes are more "
        f"than 3 of it off, {(off > 5 * core).mean():.1%} more than 5, the worst {off.max():.0%}."
    )


def pool(passes: pd.DataFrame) -> tuple[list[str], np.ndarray]:
    """The cells, and an array (passes, cells, 2) of the passes that all of them have: no choice by their values."""
    wide = passes.pivot_table(index=["run", "pass"], columns="cell", values=["change", "identical"]).dropna()
    names = list(wide["change"].columns)
    return names, np.stack([wide["change"].to_numpy(), wide["identical"].to_numpy()], axis=-1)


def share(found: list[dict], verdict: str) -> str:
    return f"{sum(finding['verdict'] == verdict for finding in found)} of {len(found)}"


def cells(*values: object) -> str:
    return "| " + " | ".join(map(str, values)) + " |"


def bound(hits: int, runs: int) -> float:
    """The upper end of Clopper and Pearson's one-sided 95 % interval for a share."""
    return float(beta.ppf(0.95, hits + 1, runs - hits)) if hits < runs else 1.0


if __name__ == "__main__":
    main()
