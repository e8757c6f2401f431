"""How near do the engines come?  Each cell of a run against what this project set itself to reach.

    python -m tests.trials.targets results/published/shapes

The run must have raced the floor; peers are whoever is on no rung of the ladder. Writes targets.md to the folder, with
every cell, those that miss marked, and prints how many meet each target: with one thread, and with more beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.analysis import ladder, speedups
from bench.analysis.intervals import Estimate
from bench.analysis.ladder import Ladder
from bench.analysis.question import HEADLINE
from bench.cells import grids
from bench.records import outputs, store
from bench.records.record import Record, Result
from bench.report import markdown, numbers
from bench.report.document import Section, Table, Text

LARGE, SMALL = 1e6, 0.2e6  # flops: below the first a peer is to be twice as slow; below the second it is mostly calls
SQUARE = "64-64-64-10-b32-float64-t1"
COMPILED, INTERPRETED = "numba_jit", "fused"


@dataclass
class Verdict:
    """One comparison in one cell, in a column of the table; and whether it is what the target says."""

    column: str
    target: str
    value: Estimate
    met: bool


def judge(record: Record) -> list[Verdict]:
    """Each comparison that has a target in this cell."""
    top = ladder.climb(record)
    if top is None:
        return []
    runs = {result.name: result for result in record.contestants if result.seconds}
    noise = 1 + (speedups.noise_floor(record) or 0.0)
    found = [*against_peers(top, record.cell.flops, noise), *of_ours(record, runs, top, noise)]
    if record.floor and record.floor.seconds:
        found += against_floor(record, runs, top, noise)
    return found


def against_floor(record: Record, runs: dict[str, Result], top: Ladder, noise: float) -> Iterator[Verdict]:
    excess = speedups.factor(record, runs[top.fastest.name], record.floor)
    limits = (
        {"at most 1.10, in 90 % of the cells from 0.2 MFLOP on": 1.10, "at most 1.25, in all of these": 1.25}
        if record.cell.flops >= SMALL
        else {"at most 1.5, below 0.2 MFLOP": 1.5}
    )
    for told, limit in limits.items():
        yield Verdict("ours / floor", f"best of ours over the floor: {told}", excess, excess.value <= limit)
    nearest = min((speedups.factor(record, run, record.floor) for run in runs.values()), key=lambda ratio: ratio.value)
    yield Verdict("nearest / floor", "no engine below the floor", nearest, nearest.high * noise >= 1)


def against_peers(top: Ladder, flops: int, noise: float) -> Iterator[Verdict]:
    for peer in top.beside:
        lead, column = peer.factor.inverse, f"{peer.name} / ours"
        if flops < LARGE:
            yield Verdict(column, "twice as fast as every peer under 1 MFLOP", lead, lead.value >= 2)
        else:
            yield Verdict(column, "at least level with every peer from 1 MFLOP on", lead, lead.high * noise >= 1)


def of_ours(record: Record, runs: dict[str, Result], top: Ladder, noise: float) -> Iterator[Verdict]:
    if COMPILED in runs and INTERPRETED in runs:
        gain = speedups.factor(record, runs[INTERPRETED], runs[COMPILED])
        target = f"{COMPILED} never slower than {INTERPRETED}"
        yield Verdict(f"{INTERPRETED} / {COMPILED}", target, gain, gain.high * noise >= 1)
    for cell, slow, least in ((HEADLINE, "per_sample", 18), (SQUARE, "full_matrix", 5)):
        if record.cell.id == cell and slow in runs:
            gain = speedups.factor(record, runs[slow], runs[top.fastest.name])
            yield Verdict(f"{slow} / ours", f"{slow} over ours at {cell}: at least {least}x", gain, gain.value >= least)


def write(found: list[Record]) -> str:
    judged = {record.cell: (record, judge(record)) for record in found if record.cell.data == "random"}
    counts: dict[str, dict[bool, list[bool]]] = {}  # by target, and whether it was on one thread
    for cell, (_, verdicts) in judged.items():
        for verdict in verdicts:
            counts.setdefault(verdict.target, {True: [], False: []})[cell.threads == 1].append(verdict.met)
    met = [
        [target, *(f"{sum(of[alone])} of {len(of[alone])}" if of[alone] else "" for alone in (True, False))]
        for target, of in sorted(counts.items())
    ]
    columns = list(dict.fromkeys(verdict.column for _, verdicts in judged.values() for verdict in verdicts))
    every = Text(
        "Medians of ratios with their 95 % intervals. In a column's heading, ours is the fastest engine of the ladder, "
        "nearest the one that is nearest to the floor."
    )
    lines = [line(record, verdicts, columns) for record, verdicts in judged.values()]
    headings = ["target", "cells that meet it, of those on one thread", "on more"]
    sections = [
        Section("How many cells meet them", [Table(headings, met)]),
        Section("Every cell", [every, Table(["cell", "MFLOP", "fastest", *columns, "noise"], lines)]),
    ]
    if missing := [cell.id for cell in grids.cells_of("shapes", here=False) if cell not in judged]:
        sections.append(Section("Cells of the grid shapes that this run has not got", [Text(", ".join(missing))]))
    return markdown.page("Targets", sections, [])


def line(record: Record, verdicts: list[Verdict], columns: list[str]) -> list[str]:
    """The row of a cell: a comparison that misses a target says so."""
    top, noise = ladder.climb(record), speedups.noise_floor(record)
    told = dict.fromkeys(columns, "")
    for verdict in sorted(verdicts, key=lambda verdict: verdict.met, reverse=True):
        missed = "" if verdict.met else ", missed"
        told[verdict.column] = numbers.estimate(verdict.value).replace("x", "") + missed
    fastest = top.fastest.name if top else ""
    share = f"{noise:.1%}" if noise else ""
    return [record.cell.id, f"{record.cell.flops / 1e6:.3g}", fastest, *told.values(), share]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    page = write(store.load(folder)[0])
    outputs.write(folder / "targets.md", page.encode())
    print(page.split("## Every cell")[0])
