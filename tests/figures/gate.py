"""Figures of the long trial of the gate: whole runs of it on code that is the same, and with real work more."""

from __future__ import annotations

from functools import cache
from statistics import median

from backprop import InputError
from bench.analysis.intervals import Estimate
from bench.cells import grids
from bench.gate import show
from bench.gate.findings import SCHEMA, Finding, GateRecord
from bench.gate.rule import ERROR
from bench.report import markdown
from bench.report.document import Table

from ..trials import gate_tables
from .published import PUBLISHED
from .races import percent
from .registry import UntrueError, figure
from .tables import code, shown

FOLDER = PUBLISHED / "gate"
EXCERPT = (  # of every kind a cell: bound by calls, by arithmetic, by memory
    ("full_matrix", "64-30-10-b1-float32-t1"),
    ("full_matrix", "784-100-10-b30-float64-t1"),
    ("full_matrix", "784-300-10-b1-float64-t1"),
    ("per_sample", "64-30-10-b1-float32-t1"),
)


@cache
def lines(name: str) -> list[dict]:
    found = gate_tables.lines(FOLDER / name)
    if not found:
        raise InputError(f"results/published/gate/{name} is not there, or empty")
    return found


def of(name: str, injected: int) -> list[dict]:
    return [line for line in lines(name) if line["percent"] == injected]


@figure
def false_alarms() -> str:
    """How many runs on code that is the same were red."""
    same = of(gate_tables.RUNS, 0)
    return f"{_red(same) or 'none'} of {len(same)} runs"


@figure
def false_alarms_at_most() -> str:
    """The share of runs that have a false alarm, by what was seen, with 95 % confidence."""
    same = of(gate_tables.RUNS, 0)
    return percent(gate_tables.bound(_red(same), len(same)), 1)


@figure
def resampled_alarms() -> str:
    """How many of the runs had one that were resampled from the passes of these."""
    return f"{_resampled() or 'none'} of {gate_tables.RESAMPLED:,}"


@figure
def resampled_alarms_at_most() -> str:
    return percent(gate_tables.bound(_resampled(), gate_tables.RESAMPLED), 1)


@figure
def alarms() -> str:
    """How many of the runs with 2 % or more were red."""
    slower = [line for line in lines(gate_tables.RUNS) if line["percent"]]
    red = _red(slower)
    return f"each of {len(slower)}" if red == len(slower) else f"{red} of {len(slower)}"


@figure
def measured_as(injected: str) -> str:
    """What a slowdown of so many percent was measured as, in the median, if that is above the tolerance."""
    found = [finding for line in of(gate_tables.RUNS, int(injected)) for finding in line["findings"]]
    slowed = median(one["slowdown"]["value"] for one in found if one["engine"] == "full_matrix") - 1
    if slowed <= gate_tables.TOLERANCE:
        raise UntrueError(f"{injected} % was measured as {percent(slowed, 1)}, not above the tolerance")
    return f"{percent(slowed, 1)}, above the tolerance"


@figure
def gate_in_terminal(injected: str) -> str:
    """What the gate showed of the last run with so many percent, in a few of its lines."""
    run = of(gate_tables.RUNS, int(injected))[-1]
    heading, rule, *rows = shown([show.table([_finding(**line) for line in run["findings"]])])
    told = [row for engine, cell in EXCERPT for row in rows if row.split()[:2] == [engine, cell]]
    return code([heading, rule, *told, "..."])


@figure
def gate_line(injected: str) -> str:
    """The last line of the last run with so many percent, which was red; no commit, as the trial keeps none."""
    run = of(gate_tables.RUNS, int(injected))[-1]
    if run["exit"] != 1:
        raise UntrueError(f"it ended with exit status {run['exit']}, not 1")
    found = [_finding(**line) for line in run["findings"]]
    terms = gate_tables.TOLERANCE, 0.0, ERROR, found, [], run["environment"], "", run["seconds"]
    record = GateRecord(SCHEMA, "HEAD~1", "", *terms)
    told = "; ".join(show.engine_line(record, one, "regressed") for one in show.engines_with(record, "regressed"))
    return f"`gate: {told}, against {record.against} ({show.terms(record)})`"


def _finding(engine: str, cell: str, verdict: str, slowdown: dict, resolution: float, **others: object) -> Finding:
    (raced,) = (each for each in grids.cells_of("gate", here=False) if each.id == cell)
    ends = Estimate(**slowdown) if slowdown else None
    return Finding(engine, raced, verdict, ends, None, resolution, None, False, 0, {})


@figure
def gate_table() -> str:
    """A line for each slowdown: the gate's runs and cells, and what pytest-benchmark's comparison said."""
    headings = ["injected", "gate red", "its cells of full_matrix, of per_sample", "seconds"]
    headings += ["`mean:5%` red", "`min:5%` red"]
    rows = []
    for injected in gate_tables.percents(lines(gate_tables.RUNS)):
        runs, compared = of(gate_tables.RUNS, injected), of(gate_tables.COMPARISONS, injected)
        red = [_red_cells(runs, engine) for engine in ("full_matrix", "per_sample")]
        others = [f"{sum(bool(line[by]) for line in compared)} of {len(compared)}" for by in ("mean", "min")]
        share = f"{_red(runs)} of {len(runs)}" + (" runs" if not injected else "")
        seconds = f"{median(run['seconds'] for run in runs):.0f}"
        rows.append([f"{injected} %" if injected else "nothing", share, ", ".join(red), seconds, *others])
    return markdown.table(Table(headings, rows, left=())).replace("\\`", "`")


def _resampled() -> int:
    """From the folder's trial.md, as to resample takes half a minute."""
    lines = (FOLDER / "trial.md").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("| 0 % |") and f" of {gate_tables.RESAMPLED} |" in line)
    return int(line.split("|")[3].split()[0])


def _red(runs: list[dict]) -> int:
    return sum(run["exit"] == 1 for run in runs)


def _red_cells(runs: list[dict], engine: str) -> str:
    found = [finding for run in runs for finding in run["findings"] if finding["engine"] == engine]
    return gate_tables.share(found, "regressed")
