"""From records to one tidy frame: a row for each cell and engine, with speedup, interval and noise floor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from ..cells.cell import Setting, format_sizes
from ..records.record import Record
from . import intervals, speedups
from .cost_model import Model

COLUMNS = (
    *("cell", "data", "sizes", "batch", "dtype", "threads", "engine", "baseline"),
    *("seconds_per_step", "seconds_low", "seconds_high", "samples_per_second"),
    *("speedup", "speedup_low", "speedup_high", "noise_floor", "gradient_error", "peak_bytes"),
    *("passes", "rounds", "steps_per_slice", "left_out"),
    *("flops", "efficiency", "efficiency_low", "efficiency_high", "after", "first_step_seconds"),
    *("machine", "predicted_seconds", "dispatch_share", "products_share", "passes_share"),
    *("hidden", "head"),
)


def frame(records: Sequence[Record], models: Iterable[Model] = ()) -> pd.DataFrame:
    """A row for each record and contestant, in the order of the records, with COLUMNS.

    speedup is the baseline's time over the engine's, NaN where either has none; noise_floor is how far from
    1 the interval reaches for two copies of one engine in the same rounds (0.01 is 1 %). efficiency is the
    floor's time over the engine's. predicted_seconds is what the cost model makes of a step, and the shares what
    it goes to, where models are given.
    """
    prices = {(model.setting, model.engine): model for model in models}
    rows = pd.DataFrame([row for record in records for row in _rows(record, prices)], columns=list(COLUMNS))
    return rows.astype({"peak_bytes": "Int64", "steps_per_slice": "Int64"})


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
    """The frame as CSV, six significant digits: the same records give the same bytes."""
    return str(rows.to_csv(index=False, float_format="%.6g", lineterminator="\n")).encode()


def _rows(record: Record, prices: Mapping[tuple[Setting, str], Model]) -> list[dict[str, Any]]:
    cell, baseline, noise = record.cell, speedups.baseline(record), speedups.noise_floor(record)
    rows = []
    for result in record.contestants:
        row: dict[str, Any] = {
            "cell": cell.id,
            "data": cell.data,
            "sizes": format_sizes(cell.sizes),
            "batch": cell.batch,
            **record.setting._asdict(),
            "engine": result.name,
            "baseline": baseline.name,
            "noise_floor": noise,
            "gradient_error": result.gradient_error,
            "peak_bytes": result.peak_bytes,
            "passes": len(result.seconds),
            "rounds": sum(s is not None for rounds in result.seconds for s in rounds),
            "steps_per_slice": result.steps_per_slice,
            "left_out": result.left_out,
            "flops": cell.flops,
            "after": result.after,
            "first_step_seconds": result.first_step_seconds,
        }
        if time := intervals.typical(result.seconds):
            row |= {"seconds_per_step": time.value, "seconds_low": time.low, "seconds_high": time.high}
            row["samples_per_second"] = cell.batch / time.value
        if gain := speedups.speedup(record, result):
            row |= {"speedup": gain.value, "speedup_low": gain.low, "speedup_high": gain.high}
        if share := speedups.efficiency(record, result):
            row |= {"efficiency": share.value, "efficiency_low": share.low, "efficiency_high": share.high}
        model = prices.get((record.setting, result.name))
        if model and cell.data == "random":
            seconds = model.seconds(cell)
            row["predicted_seconds"] = seconds
            row |= {f"{part}_share": taken / seconds for part, taken in model.shares(cell)._asdict().items()}
        rows.append(row)
    return rows
