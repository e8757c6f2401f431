"""How near do the engines come?  Each cell of a run against what this project set itself to reach.

    python tests/trials/targets.py results/published/full

The run must have raced full_matrix, fused and the floor; peers are whoever is on no rung of the ladder. Writes
targets.md to the folder, with every cell, those that miss marked, and prints how many do.
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
from bench.records import outputs, store
from bench.records.record import Record
from bench.report import markdown, numbers
from bench.report.document import Section, Table, Text

SMALL = 1e6  # flops: below, a peer is to be twice as slow
NEAR = ((1e6, 1.10), (0.2e6, 1.5))  # from so many flops on, fused is to take at most so many times the floor's time


@dataclass
class Verdict:
    """One comparison in one cell, and whether it is what it should be."""

    target: str
    value: Estimate
    met: bool


def judge(record: Record) -> dict[str, Verdict]:
    """Each comparison that has a target in this cell, by its column."""
    runs = {result.name: result for result in record.contestants if result.seconds}
    flops, noise = record.cell.flops, 1 + (speedups.noise_floor(record) or 0.0)
    verdicts = {}
    if "fused" in runs and "full_matrix" in runs:
        gain = speedups.factor(record, runs["full_matrix"], runs["fused"])
        verdicts["full_matrix / fused"] = Verdict("fused never slower than full_matrix", gain, gain.high * noise >= 1)
        if record.cell.id == HEADLINE:
            verdicts["full_matrix / fused, headline"] = Verdict("at least 2.5x there", gain, gain.value >= 2.5)
    if "fused" in runs and "per_sample" in runs and record.cell.id == HEADLINE:
        gain = speedups.factor(record, runs["per_sample"], runs["fused"])
        verdicts["per_sample / fused, headline"] = Verdict("at least 12x there", gain, gain.value >= 12)
    limit = next((limit for least, limit in NEAR if flops > least), None)
    if "fused" in runs and record.floor and limit:
        excess = speedups.factor(record, runs["fused"], record.floor)
        verdicts["fused / floor"] = Verdict(f"fused within {limit:.2f} of the floor", excess, excess.value <= limit)
    if top := ladder.climb(record):
        verdicts |= {f"{name} / ours": verdict for name, verdict in against_peers(top, flops, noise)}
    if record.floor:
        verdicts |= {"floor": below_floor(record, noise)}
    return verdicts


def against_peers(top: Ladder, flops: int, noise: float) -> Iterator[tuple[str, Verdict]]:
    for peer in top.beside:
        lead = peer.factor.inverse
        if flops < SMALL:
            yield peer.name, Verdict("twice as fast as every peer under 1 MFLOP", lead, lead.value >= 2)
        else:
            yield peer.name, Verdict("at least level with every peer from 1 MFLOP on", lead, lead.high * noise >= 1)


def below_floor(record: Record, noise: float) -> Verdict:
    """The engine nearest the floor: it must not be below it by more than the noise."""
    runs = [result for result in record.contestants if result.seconds]
    nearest = min((speedups.factor(record, run, record.floor) for run in runs), key=lambda ratio: ratio.value)
    return Verdict("no engine below the floor", nearest, nearest.high * noise >= 1)


def write(found: list[Record]) -> str:
    cells = {record.cell.id: (record, judge(record)) for record in found if record.cell.data == "random"}
    tallies: dict[str, list[bool]] = {}
    for _, verdicts in cells.values():
        for verdict in verdicts.values():
            tallies.setdefault(verdict.target, []).append(verdict.met)
    columns = list(dict.fromkeys(name for _, verdicts in cells.values() for name in verdicts if "," not in name))
    lines = []
    for record, verdicts in cells.values():
        noise = speedups.noise_floor(record)
        told = [tell(verdicts.get(column)) for column in columns]
        lines.append([record.cell.id, f"{record.cell.flops / 1e6:.3g}", *told, f"{noise:.1%}" if noise else ""])
    met = [[target, str(sum(met)), str(len(met))] for target, met in tallies.items()]
    at_headline = [
        Text(f"{HEADLINE}: {name.removesuffix(', headline')} is {numbers.estimate(verdict.value)}; {verdict.target}.")
        for name, verdict in cells.get(HEADLINE, (None, {}))[1].items()
        if name.endswith("headline")
    ]
    every = Text(
        "Medians of ratios with their 95 % intervals. In a column's heading, ours is the fastest engine of the ladder; "
        "in the last, the engine nearest to the floor is set over it."
    )
    sections = [
        Section("How many cells meet them", [Table(["target", "cells that meet it", "of"], met), *at_headline]),
        Section("Every cell", [every, Table(["cell", "MFLOP", *columns, "noise"], lines)]),
    ]
    return markdown.page("Targets", sections, [])


def tell(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    text = numbers.estimate(verdict.value).replace("x", "")
    return text if verdict.met else f"{text}, missed"


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    page = write(store.load(folder)[0])
    outputs.write(folder / "targets.md", page.encode())
    print(page.split("## Every cell")[0])
