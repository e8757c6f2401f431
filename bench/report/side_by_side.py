"""Several folders side by side, machines, versions or dates: speedup and efficiency of each cell and engine in each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from backprop import InputError

from ..analysis import speedup_frame
from ..analysis.speedups import relative_to
from ..records import outputs, store, training_record
from . import pictures
from .build import HTML, MARKDOWN, write_pages
from .document import Listing, Number, Picture, Section, Table, Text
from .figures import save
from .figures import side_by_side as picture
from .figures.side_by_side import QUANTITIES
from .filenames import shown
from .machines import letter

STEM = "side-by-side"
COMPARED = "A dot for each cell and engine: on the diagonal where the folders agree"


class Comparison(NamedTuple):
    """What each letter stands for, and a row for each cell and engine that two of them have.

    The columns of rows are QUANTITIES x letters; baselines are what the speedups are relative to.
    """

    told: dict[str, str]
    rows: pd.DataFrame
    baselines: Sequence[str]


def side_by_side(folders: Sequence[Path], out: Path | None, baseline: str | None = None) -> Iterator[str | Table]:
    """Compare several folders; the page of it, with its picture, goes to the folder `out` if one is given.

    Raises InputError where `out` is one of them, or has records of its own: its pages are theirs.
    """
    if out and any(_is_same(folder, out) for folder in folders):
        raise InputError(f"--out {out} is one of the folders that are compared, and would lose its pages: name another")
    if out and any(store.files(out / name) for name in (store.FILE, training_record.FILE)):
        raise InputError(f"--out {out} has records of its own, and would lose its own pages: name another folder")
    comparison = compare(folders, baseline)
    medians, cells = _medians(comparison.rows), _cells(comparison.rows)
    yield from (f"{place}: {told}" for place, told in comparison.told.items())
    yield from ("", medians, "", cells)
    if out is None:
        return
    sections = [
        Section("What is compared", [Listing([f"{place}: {told}" for place, told in comparison.told.items()])]),
        Section("In the median of the cells that all have", [medians]),
        Section(
            "Side by side",
            [
                Text(
                    f"Speedup is over {' or '.join(comparison.baselines)}, in each column of its own run; 'of floor' "
                    "is efficiency, the time of the products alone over the engine's. Times of different runs are not "
                    "compared."
                ),
                Picture(STEM, "Speedup and efficiency, one folder against another"),
                cells,
            ],
        ),
    ]
    warnings: list[str] = []
    draw = partial(picture.draw, comparison.told, comparison.rows)
    with outputs.made(out):
        paths = save.save([(STEM, draw)], out, warnings)
        shots = {STEM: pictures.shots_of(STEM, [(COMPARED, "", draw)], warnings, wide=True)}
        write_pages(out, "Side by side", sections, paths, shots)
    yield ""
    yield from (f"warning: {warning}" for warning in warnings)
    yield f"in {shown(out)}: {HTML}, {MARKDOWN}, {len(paths)} pictures"


def compare(folders: Sequence[Path], baseline: str | None = None) -> Comparison:
    """A letter for each folder and, where it holds several, each machine in it.

    Raises InputError where a folder can't be read or is named twice, or no cell and engine is in two of them.
    """
    if any(_is_same(one, other) for one, other in combinations(folders, 2)):
        raise InputError("a folder is named twice: name different ones to compare")
    told: dict[str, str] = {}
    parts = []
    for folder in folders:
        found = relative_to(baseline, store.load(folder)[0], folder)
        for machine, part in speedup_frame.frame(found).groupby("machine", sort=False):
            own = letter(len(told))
            dates = sorted({record.started[:10] for record in found if record.environment.machine == machine})
            told[own] = f"{shown(folder)}: {machine}; {' to '.join(dict.fromkeys([dates[0], dates[-1]]))}"
            parts.append(part.assign(letter=own))
    rows = pd.concat(parts)
    table = rows.pivot(index=["cell", "engine"], columns="letter", values=list(QUANTITIES))
    in_order = rows.set_index(["cell", "engine"]).index.unique()  # of the records, and of the letters after Z
    table = table.loc[in_order, [(quantity, own) for quantity in QUANTITIES for own in told]]
    table = table[table["speedup"].notna().sum(axis=1) > 1]
    if table.empty:
        raise InputError(f"no engine was timed in the same cell in two of {', '.join(map(str, folders))}")
    return Comparison(told, table, list(dict.fromkeys(rows["baseline"])))


def _medians(rows: pd.DataFrame) -> Table:
    """A line for each engine: the median of each quantity, over the cells that every letter has."""
    whole = rows[rows["speedup"].notna().all(axis=1)].groupby(level="engine", sort=False)
    lines = [[str(engine), str(len(part)), *_fields(part.median())] for engine, part in whole]
    return Table(["engine", "cells", *_headings(rows)], lines, folds=(0,))


def _cells(rows: pd.DataFrame) -> Table:
    """A line for each cell and engine."""
    lines = [[cell, engine, *_fields(row)] for (cell, engine), row in rows.iterrows()]
    return Table(["cell", "engine", *_headings(rows)], lines, left=(0, 1), folds=(0, 1), sortable=True)


def _headings(rows: pd.DataFrame) -> list[str]:
    return [f"{place} {name}" for place in rows["speedup"] for name in ("speedup", "of floor")]


def _fields(row: pd.Series) -> list[str]:
    values = [(row[quantity, place], write) for place in row["speedup"].index for quantity, write in QUANTITIES.items()]
    return ["" if pd.isna(value) else Number.of(write(value), value) for value, write in values]


def _is_same(one: Path, other: Path) -> bool:
    """Whether two paths, spelled as they may be, are of one folder that exists."""
    return one.exists() and other.exists() and one.samefile(other)
