"""Several folders side by side, machines, versions or dates: speedup and efficiency of each cell and engine in each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pandas as pd

from backprop import InputError

from ..analysis import frame
from ..records import store
from . import numbers
from .document import Listing, Number, Picture, Section, Table, Text
from .filenames import shown
from .grouping import letter

STEM = "side-by-side"
QUANTITIES = {"speedup": numbers.factor, "efficiency": "{:.0%}".format}


@dataclass(frozen=True)
class Comparison:
    """What each letter stands for, and a row for each cell and engine that two of them have.

    The columns of rows are QUANTITIES x letters; baselines are what the speedups are relative to.
    """

    told: dict[str, str]
    rows: pd.DataFrame
    baselines: tuple[str, ...]


def compare(folders: Sequence[Path]) -> Comparison:
    """A letter for each folder and, where it holds several, each machine in it.

    Raises InputError where a folder can't be read or is named twice, or no cell and engine is in two of them.
    """
    if any(is_same(one, other) for one, other in combinations(folders, 2)):
        raise InputError("a folder is named twice: name different ones to compare")
    told: dict[str, str] = {}
    parts = []
    for folder in folders:
        found = store.load(folder)[0]
        for machine, part in frame.frame(found).groupby("machine", sort=False):
            own = letter(len(told))
            dates = [record.started[:10] for record in found if record.environment.machine == machine]
            told[own] = f"{shown(folder)}: {machine}; {min(dates)}" + (
                f" to {max(dates)}" if max(dates) > min(dates) else ""
            )
            parts.append(part.assign(letter=own))
    rows = pd.concat(parts)
    table = rows.pivot(index=["cell", "engine"], columns="letter", values=list(QUANTITIES))
    table = table.reindex(rows.set_index(["cell", "engine"]).index.unique())  # in the order of the records
    table = table[table["speedup"].notna().sum(axis=1) > 1]
    if table.empty:
        raise InputError(f"no engine was timed in the same cell in two of {', '.join(map(str, folders))}")
    return Comparison(told, table, tuple(dict.fromkeys(rows["baseline"])))


def sections(comparison: Comparison) -> Iterator[Section]:
    """The comparison as sections of a page."""
    yield Section("What is compared", [Listing([f"{letter}: {told}" for letter, told in comparison.told.items()])])
    yield Section("In the median of the cells that all have", [medians(comparison)])
    over = " or ".join(comparison.baselines)
    yield Section(
        "Side by side",
        [
            Text(
                f"Speedup is over {over}, in each column of its own run; 'of floor' is efficiency, the time of the "
                "products alone over the engine's. Times of different runs are not compared."
            ),
            Picture(STEM, "Speedup and efficiency, one folder against another"),
            cells(comparison),
        ],
    )


def medians(comparison: Comparison) -> Table:
    """A line for each engine: the median of each quantity, over the cells that every letter has."""
    letters = list(comparison.told)
    whole = comparison.rows[comparison.rows["speedup"].notna().all(axis=1)]
    lines = [
        [str(engine), str(len(part)), *_fields(part.median(), letters)]
        for engine, part in whole.groupby(level="engine", sort=False)
    ]
    return Table(["engine", "cells", *_headings(letters)], lines, folds=(0,))


def cells(comparison: Comparison) -> Table:
    """A line for each cell and engine."""
    letters = list(comparison.told)
    lines = [[cell, engine, *_fields(row, letters)] for (cell, engine), row in comparison.rows.iterrows()]
    return Table(["cell", "engine", *_headings(letters)], lines, left=(0, 1), folds=(0, 1), sortable=True)


def is_same(one: Path, other: Path) -> bool:
    """Whether two paths, spelled as they may be, are of one folder that exists."""
    return one.exists() and other.exists() and one.samefile(other)


def _headings(letters: Sequence[str]) -> list[str]:
    return [f"{letter} {name}" for letter in letters for name in ("speedup", "of floor")]


def _fields(row: pd.Series, letters: Sequence[str]) -> list[str]:
    values = [(row[quantity, letter], write) for letter in letters for quantity, write in QUANTITIES.items()]
    return ["" if pd.isna(value) else Number.of(write(value), value) for value, write in values]
