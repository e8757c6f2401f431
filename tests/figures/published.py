"""What is published, read once: records, models and rows of a folder, and one race of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

from backprop import InputError
from backprop.errors import did_you_mean
from bench.analysis import cost_model, speedup_frame
from bench.analysis.cost_model import Model
from bench.analysis.question import HEADLINE
from bench.cells.cell import Cell, format_sizes
from bench.records import store
from bench.records.record import Record, Result

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "results" / "published"
USUAL = "float64-t1"


@cache
def records(folder: str) -> list[Record]:
    """The records of a published folder, of each cell the last; InputError where there are none."""
    return store.load(PUBLISHED / folder)[0]


@cache
def rows(folder: str) -> pd.DataFrame:
    return speedup_frame.frame(records(folder), cost_model.models(records(folder)))


@cache
def models(folder: str) -> dict[str, Model]:
    """The cost model of each engine on one thread."""
    found = (model for model in cost_model.models(records(folder)) if model.place.threads == 1)
    return {model.engine: model for model in found}


def model(folder: str, engine: str) -> Model:
    return _named(engine, models(folder), f"results/published/{folder} has no model of")


def race(folder: str, cell: str = HEADLINE) -> Record:
    """The race in a cell: its id, the beginning of it, or functions alone, which are of the headline's cell."""
    by_id = {record.cell.id: record for record in records(folder)}
    for name in (cell, f"{cell}-{USUAL}", f"{HEADLINE}-{cell}"):
        if name in by_id:
            return by_id[name]
    return _named(cell, by_id, f"results/published/{folder} has no cell")


def result(record: Record, engine: str) -> Result:
    """An engine's result in this race; InputError where it has no times."""
    timed = {result.name: result for result in record.contestants if result.seconds}
    return _named(engine, timed, f"{record.cell.id} has no times of")


def told(cell: Cell) -> str:
    """The cell in a sentence."""
    return f"{format_sizes(cell.sizes)}, batch {cell.batch}"


def _named(name, known, what):
    if name not in known:
        raise InputError(f"{what} {name!r}: {did_you_mean(name, known)}there are {', '.join(list(known)[:40])}")
    return known[name]
