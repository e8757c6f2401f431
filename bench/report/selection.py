"""What a page has room for: the cells that it pictures, and the engines that it tells of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from ..analysis import speedups
from ..cells.cell import Setting
from ..records.record import Record
from . import answer
from .figures.panels import PANELS
from .grouping import KEYS, grid_of, of_setting


def pictured(found: Sequence[Record], grid: pd.DataFrame) -> pd.DataFrame:
    """The rows that a page has room to picture: those with the setting of the cell that it tells of."""
    return of_setting(grid, _told_setting(found))


def in_sets(found: Sequence[Record], rows: pd.DataFrame) -> pd.DataFrame:
    """The grid without what is a single cell of its functions, but for those that a page tells of: a table tells it."""
    grid, told = grid_of(rows), _told_setting(found)
    is_told = (grid["hidden"] == told.hidden) & (grid["head"] == told.head)
    return grid[is_told | (grid.groupby(KEYS)["cell"].transform("nunique") > 1)]


def of_engines(found: Sequence[Record], grid: pd.DataFrame) -> pd.DataFrame:
    """The rows of as many engines and settings as pictures have room for, a panel for each: else of those told of."""
    if grid.groupby(["engine", *KEYS]).ngroups <= PANELS[0]:
        return grid
    told = grid[grid["engine"].isin(told_of(found))]
    return told if told.groupby(KEYS).ngroups <= PANELS[1] else pictured(found, told)


def of_networks(found: Sequence[Record], grid: pd.DataFrame) -> pd.DataFrame:
    """The rows of as many networks and settings as pictures have room for: else of the setting told of."""
    return grid if grid.groupby(["sizes", *KEYS]).ngroups <= PANELS[0] else pictured(found, grid)


def _told_setting(found: Sequence[Record]) -> Setting:
    pair = answer.headline(found)
    return (pair.record if pair else found[0]).setting


def told_of(found: Sequence[Record]) -> list[str]:
    """The engines that a page tells of: the challenger, and whoever is level with the fastest in its cell."""
    pair = answer.headline(found)
    return [pair.challenger.name, *(result.name for result in speedups.fastest(pair.record))] if pair else []


def on_a_grid(found: Iterable[Record]) -> list[Record]:
    """The records of cells on random data in which anything was timed."""
    return [
        record
        for record in found
        if record.cell.data == "random" and any(result.seconds for result in record.contestants)
    ]
