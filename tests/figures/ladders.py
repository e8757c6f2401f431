"""Figures of a whole run over a grid, as the targets judge it: on one thread, best is the fastest rung of a cell."""

from __future__ import annotations

from functools import cache
from statistics import median

from bench.analysis import ladder, speedups
from bench.analysis.ladder import Ladder
from bench.cells.cell import format_sizes
from bench.report import numbers

from ..trials import targets
from . import published
from .registry import figure


@cache
def tops(folder: str) -> list[Ladder]:
    """The ladder of each cell with random data and one thread."""
    races = [race for race in published.records(folder) if race.cell.threads == 1 and race.cell.data == "random"]
    return [top for race in races if (top := ladder.climb(race))]


def verdicts(folder: str, column: str) -> list[targets.Verdict]:
    return [verdict for top in tops(folder) for verdict in targets.judge(top.record) if verdict.column == column]


@figure
def cells_on_one_thread(folder: str) -> str:
    return str(len(tops(folder)))


@figure
def over_small_peers(folder: str) -> str:
    """How many times as fast the best is as each peer, where a step is below 1 MFLOP."""
    leads = [peer.factor.inverse.value for top in tops(folder) if _is_small(top) for peer in top.beside]
    return f"{' to '.join(numbers.factor(end(leads))[:-1] for end in (min, max))} times"


@figure
def level_with_large_peers(folder: str) -> str:
    """In how many comparisons the best is at least level, where a step is 1 MFLOP or more."""
    large = [top for top in tops(folder) if not _is_small(top)]
    met = [verdict.met for top in large for verdict in targets.judge(top.record) if _is_of_peer(verdict, top)]
    return f"{sum(met)} of {len(met)}"


@figure
def nearest_peer(folder: str) -> str:
    """The peer and the cell in which it comes nearest to the best, or passes it, and its time over the best's."""
    every = [(peer.factor.inverse.value, peer.name, top.record) for top in tops(folder) for peer in top.beside]
    lead, name, record = min(every, key=lambda found: found[0])
    why = ", with the fastest products there" if record.floor and record.floor.by == name else ""
    where = f"{published.told(record.cell)}, {record.cell.dtype}"
    return f"`{name}` at {where}, where a step of it takes {lead:.2f} of ours{why}"


@figure
def never_slower(folder: str, engine: str, other: str) -> str:
    """Whether an engine is, within the noise of the cell, as fast as another in each cell on one thread."""
    told = []
    for top in tops(folder):
        ratio = ladder.between(top.record, other, engine)
        if ratio is not None:
            told.append(ratio.high * (1 + (speedups.noise_floor(top.record) or 0.0)) >= 1)
    behind = told.count(False)
    return f"slower in {behind} of {len(told)} cells" if behind else "never slower"


@figure
def cells_within(folder: str, limit: str) -> str:
    """In how many cells from 0.2 MFLOP on the best takes at most `limit` times the time of the products alone."""
    over = [top.floor.factor.value for top in tops(folder) if top.floor and _is_bound_by_products(top)]
    return f"{sum(value <= float(limit) for value in over)} of {len(over)}"


@figure
def median_over_floor(folder: str, engine: str) -> str:
    """The median over all cells of the engine's time over that of the products alone."""
    found = (ladder.between(top.record, engine, top.floor.name) for top in tops(folder) if top.floor)
    return f"{median(ratio.value for ratio in found if ratio):.2f}"


@figure
def range_over_floor(folder: str, sizes: str) -> str:
    """The least and the most of the best's time over that of the products alone, over the cells of one network."""
    over = [
        top.floor.factor.value
        for top in tops(folder)
        if top.floor
        and _is_bound_by_products(top)
        and format_sizes(top.record.cell.sizes) == sizes
        and not top.record.setting.functions
    ]
    return f"{min(over):.2f} to {max(over):.2f}"


def _is_small(top: Ladder) -> bool:
    return top.record.cell.flops < targets.LARGE


def _is_bound_by_products(top: Ladder) -> bool:
    return top.record.cell.flops >= targets.SMALL


def _is_of_peer(verdict: targets.Verdict, top: Ladder) -> bool:
    return verdict.column in [f"{peer.name} / ours" for peer in top.beside]
