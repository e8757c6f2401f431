"""The rows of records as one tidy frame, and what is asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pandas as pd

from ..records.record import Record
from . import rows
from .cost_model import Model
from .rows import Row

COLUMNS = Row._fields


def frame(records: Sequence[Record], models: Iterable[Model] = ()) -> pd.DataFrame:
    """A row for each record and contestant, in the order of the records, with COLUMNS: see `rows.Row`."""
    found = pd.DataFrame(rows.of(records, models), columns=list(COLUMNS))
    return found.astype({"peak_bytes": "Int64", "steps_per_slice": "Int64", "copied_bytes": "Int64"})


class Noise(NamedTuple):
    """The noise floor over some races, a share: in the median cell and in the worst."""

    median: float
    worst: float
    worst_cell: str
    cells: int


def noise(rows: pd.DataFrame) -> Noise | None:
    """The noise floor of the races that these rows are of; None where nothing was timed."""
    races = rows.drop_duplicates(["machine", "cell"]).dropna(subset="noise_floor")
    if races.empty:
        return None
    worst = races.loc[races["noise_floor"].idxmax()]
    return Noise(races["noise_floor"].median(), worst["noise_floor"], worst["cell"], len(races))


def csv(rows: pd.DataFrame) -> bytes:
    """The frame but for at_once as CSV, six significant digits: the same records give the same bytes."""
    return str(rows.drop(columns="at_once").to_csv(index=False, float_format="%.6g", lineterminator="\n")).encode()
