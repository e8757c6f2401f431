"""The details of a folder's races, most in a section that opens by a click: cells, engines, prices, roofline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from ..analysis import ladder, speedups
from ..analysis.cost_model import Model
from ..records.record import Record
from . import functions_cost, libraries, machines, roofline
from .answer import BEYOND, headline, missed
from .document import Block, Picture, Section, Table, Text
from .grouping import KEYS, grid_of, setting, widths
from .machines import letters, placed
from .selection import in_sets, on_a_grid, pictured, told_of
from .tables import every_cell, every_engine, first_steps, ladder_table, prices

FLOOR = (
    "The floor is the products of a step and nothing else; efficiency is its time over the engine's. The rest, up to "
    f"100 %, goes into anything but products; {BEYOND}."
)
CELLS = (
    "MFLOP are those of the products of a step. A factor is the time of the engine that is changed, or of the peer, "
    "over the time of the engine; 'of floor' is efficiency, the floor's time over the engine's; in brackets, the "
    "engine whose library has the fastest products, where that is not BLAS."
)
PICTURED = (
    "The pictures over batch size and width are of one dtype, one number of threads and the same functions, named "
    "above each; the tables have them all."
)
FIRST = "What the first step of an engine in a cell took, with its compilation or trial, which no race times."
FASTEST = (
    "With its speed as a share of the floor's where that was raced; engines that the noise floor can't tell from the "
    "fastest stand beside it."
)
MODEL = (
    "Where nothing was raced, a step is described by prices of work: so much for each layer and for each function (the "
    "interpreter and its calls), for flops, results and weights of products, and for bytes of passes over parameters, "
    "gradients and activations. Each part is fitted to what was raced of it, in all cells of a number of threads "
    "together; the table has the main prices. A dash is a price of nothing: the pass is not made, or not seen. No pass "
    "is priced below a copy within the second-level cache; those that came out there are named. The errors are "
    "those of cells that a fit had not seen, batch sizes left out in turn, and layer sizes: the worst is the worst so "
    "far."
)
BREAKS = (
    "The model breaks where a trial in a bad moment gave products a slow form, where sizes are powers of two, whose "
    "rows meet in the same places of a cache, and where a second thread pays in some cells only."
)


def of_races(found: Sequence[Record], rows: pd.DataFrame, models: Sequence[Model]) -> Iterator[Section]:
    """Their sections in order."""
    races, engines = on_a_grid(found), told_of(found)
    if inside := list(libraries.blocks(found)):
        yield Section(libraries.TITLE, inside)
    yield from _pictured(found, rows)
    if races:
        yield _folded(
            "Speedup over batch size and width",
            [
                Picture("speedup-heatmap", "Speedup in each cell", engines),
                Picture("speedup-by-batch", "Speedup against batch size", engines),
            ],
        )
    if top := ladder.headline(found):
        place = letters(rows["machine"])[top.record.environment.machine]
        yield _folded(
            f"The ladder, at {placed(top.record.cell.id, place)}",
            [Picture("waterfall", "From the first rung down to the floor"), ladder_table(top)],
        )
    if races:
        yield _folded("The fastest engine by cell", list(_fastest(found, rows, races)))
    if rows["efficiency"].notna().any():
        heatmaps = Picture("efficiency-heatmap", "Efficiency in each cell", engines)
        yield _folded("How near to the floor", [Text(FLOOR), heatmaps])
    if under := list(roofline.blocks(rows)):
        yield _folded("How near to the machine: the roofline", under)
    if costs := list(functions_cost.blocks(found)):
        pair = headline(found)
        told = functions_cost.sentence(found, (pair.record if pair else found[0]).cell)
        yield _folded("What the functions cost", [*([Text(told)] if told else []), *costs])
    shares = Picture("cost-shares", "What a step goes to in each cell", engines)
    yield _folded("What a step goes to in each cell", [shares])
    if models:
        yield _folded("The cost model", list(_model(models)))
    if races:
        yield _folded("Every cell", [Text(CELLS), every_cell(races)])
        yield _folded("Every cell and engine", [every_engine(rows)], detail=True)
        yield _folded("First steps", [Text(FIRST), first_steps(rows)])


def _folded(title: str, blocks: Sequence[Block], detail: bool = False) -> Section:
    return Section(title, blocks, detail, folded=True)


def _pictured(found: Sequence[Record], rows: pd.DataFrame) -> Iterator[Section]:
    """What the pictures leave out."""
    grid, places = grid_of(rows), list(letters(rows["machine"]).values())
    if len(places) > machines.MOST_PICTURED:
        last = places[machines.MOST_PICTURED - 1]
        told = f"Pictured are machines A to {last} of {len(places)}; the tables have them all."
        yield _folded("The machines", [Text(told)])
    if len(pictured(found, grid)) < len(grid):
        yield _folded("On this page", [Text(PICTURED)], detail=True)


def _fastest(found: Sequence[Record], rows: pd.DataFrame, races: Iterable[Record]) -> Iterator[Block]:
    """A table of width by batch for each other setting, with the engines that are level with the fastest."""
    yield Text(FASTEST)
    placed = {(record.environment.machine, record.cell.id): record for record in races}
    for _, part in in_sets(found, rows).groupby(KEYS, sort=False):
        batches = sorted(part["batch"].unique())
        cells = {(row.width, row.batch): placed.get((row.machine, row.cell)) for row in part.itertuples()}
        lines = [
            [hidden or "none", *(_winner(cells.get((hidden, batch))) for batch in batches)] for hidden in widths(part)
        ]
        yield Text(setting(part), strong=True)
        yield Table(["width", *(f"batch {batch}" for batch in batches)], lines)


def _winner(record: Record | None) -> str:
    level = speedups.fastest(record) if record else []
    if record is None or not level:
        return ""
    share = speedups.efficiency(record, level[0])
    names = ", ".join(result.name for result in level)
    return f"{names} {share.value:.0%}" if share else names


def _model(models: Sequence[Model]) -> Iterator[Block]:
    """The prices with their errors."""
    yield Text(MODEL)
    yield prices(models)
    yield Text(missed(models))
    yield Text(BREAKS)
