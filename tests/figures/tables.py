"""Whole blocks: the ladder of a cell, and what commands show in a terminal of 80 columns.

A block of code is indented here, and its comments stand around it: within, they would be shown.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from textwrap import indent

from rich.console import Console

from backprop import InputError
from bench.analysis import ladder, rows
from bench.analysis.question import HEADLINE
from bench.cells.cell import make_cell
from bench.report import markdown, predict, races, tables
from bench.report.document import Table
from bench.terminal.console import show

from . import published
from .registry import figure

COLUMNS = 80


@figure
def ladder_table(folder: str, cell: str = HEADLINE) -> str:
    """The rungs of a cell, the floor, and the peers beside them."""
    top = ladder.climb(published.race(folder, cell))
    if top is None:
        raise InputError(f"results/published/{folder} has no ladder at {cell}")
    return markdown.table(tables.ladder_table(top))


@figure
def report_in_terminal(folder: str, cell: str) -> str:
    """The heading of `backprop-bench report`'s first table, and the lines of one cell."""
    part = next(part for part in races.speedups(rows.of(published.records(folder))) if isinstance(part, Table))
    heading, rule, *lines = shown([part])
    first = next((number for number, line in enumerate(lines) if line.startswith(f"{cell} ")), None)
    if first is None:
        raise InputError(f"results/published/{folder} has no cell {cell} in its first table")
    last = next((n for n in range(first + 1, len(lines)) if not lines[n].startswith(" ")), len(lines))
    return code([heading, rule, *lines[first:last]])


@figure
def predict_in_terminal(folder: str, sizes: str, batch: str) -> str:
    """The command, and its table."""
    cell = make_cell(sizes, int(batch), "float64", 1, here=False)
    parts = predict.predict(published.PUBLISHED / folder, cell)
    table = next(part for part in parts if isinstance(part, Table))
    asked = f"backprop-bench predict --sizes {sizes} --batch {batch} results/published/{folder}"
    return code([f"{asked}    # any sizes; nothing is raced", "", *shown([table])])


def shown(parts: Iterable[str | Table]) -> list[str]:
    screen = Console(file=io.StringIO(), width=COLUMNS, emoji=False)
    show(parts, screen)
    return [line.rstrip() for line in screen.file.getvalue().splitlines()]


def code(lines: Iterable[str]) -> str:
    return indent("\n".join(lines), " " * 4)
