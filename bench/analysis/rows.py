"""From records to rows: one for each cell and engine, with speedup, interval and noise floor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import nan
from typing import NamedTuple

from ..cells.cell import Setting, format_sizes
from ..records.record import Record
from . import intervals, shares, speedups
from .cost_model import Model
from .shares import Parts, Shares


class Row(NamedTuple):
    """What a record says of one contestant, as the columns of speedup.csv have it; NaN or None where it does not.

    speedup is the baseline's time over the engine's, NaN where either has none; noise_floor is how far from
    1 the interval reaches for two copies of one engine in the same rounds (0.01 is 1 %). efficiency is the
    floor's time over the engine's. predicted_seconds is what the cost model makes of a step at the
    machine's usual pace, where models are given.
    The shares are what a step goes to, and shares_are how that is known: measured, in this very race, or else fitted,
    by the model; None without either. at_once, which speedup.csv leaves out, is whether the engine is known to send the
    batch through at once: then its products are the floor's. flops_per_byte is the arithmetic intensity, flops over
    Cell.least_bytes; the columns from peak_flops_per_second to hertz are the record's Peak; flops_per_cycle are those
    of a cycle of one of the cores, of which the engine has as many as threads.
    """

    cell: str
    data: str
    sizes: str
    batch: int
    dtype: str
    threads: int
    engine: str
    baseline: str
    seconds_per_step: float
    seconds_low: float
    seconds_high: float
    samples_per_second: float
    speedup: float
    speedup_low: float
    speedup_high: float
    noise_floor: float | None
    gradient_error: float | None
    peak_bytes: int | None
    passes: int
    rounds: int
    steps_per_slice: int | None
    left_out: str | None
    flops: int
    efficiency: float
    efficiency_low: float
    efficiency_high: float
    after: str | None
    first_step_seconds: float | None
    machine: str
    predicted_seconds: float
    calls_share: float
    products_share: float
    passes_share: float
    shares_are: str | None
    at_once: bool
    hidden: str
    head: str
    flops_per_second: float
    flops_per_byte: float
    peak_flops_per_second: float
    copy_bytes_per_second: float
    copied_bytes: int | None
    cache_bytes_per_second: float
    hertz: float
    flops_per_cycle: float

    @property
    def is_timed(self) -> bool:
        return self.seconds_per_step == self.seconds_per_step

    @property
    def is_compared(self) -> bool:
        """Whether there is a speedup over another engine."""
        return self.engine != self.baseline and self.speedup == self.speedup

    @property
    def setting(self) -> Setting:
        return Setting(*(getattr(self, name) for name in Setting._fields))


def of(records: Sequence[Record], models: Iterable[Model] = ()) -> list[Row]:
    """A row for each record and contestant, in the order of the records."""
    known = list(models)
    return [row for record in records for row in _rows(record, [own for own in known if own.is_of(record.setting)])]


def _rows(record: Record, models: Sequence[Model]) -> Iterator[Row]:
    cell, baseline, noise = record.cell, speedups.baseline(record), speedups.noise_floor(record)
    peak = record.peak
    hertz = peak.hertz or nan if peak else nan
    for result in record.contestants:
        time, gain, share = (
            (estimate.value, estimate.low, estimate.high) if estimate else (nan, nan, nan)
            for estimate in (
                intervals.typical(result.seconds),
                speedups.speedup(record, result),
                speedups.efficiency(record, result),
            )
        )
        model = next((own for own in models if own.engine == result.name and cell.data == "random"), None)
        predicted = model.seconds(cell) if model else nan
        parts = shares.measured(record, result)
        split = parts.shares if parts else model.shares(cell) if model else Shares(nan, nan, nan)
        calls, products, passes = (part / sum(split) for part in split)
        yield Row(
            cell=cell.id,
            data=cell.data,
            sizes=format_sizes(cell.sizes),
            batch=cell.batch,
            **record.setting._asdict(),
            engine=result.name,
            baseline=baseline.name,
            seconds_per_step=time[0],
            seconds_low=time[1],
            seconds_high=time[2],
            samples_per_second=cell.batch / time[0],
            speedup=gain[0],
            speedup_low=gain[1],
            speedup_high=gain[2],
            noise_floor=noise,
            gradient_error=result.gradient_error,
            peak_bytes=result.peak_bytes,
            passes=len(result.seconds),
            rounds=sum(s is not None for rounds in result.seconds for s in rounds),
            steps_per_slice=result.steps_per_slice,
            left_out=result.left_out,
            flops=cell.flops,
            efficiency=share[0],
            efficiency_low=share[1],
            efficiency_high=share[2],
            after=result.after,
            first_step_seconds=result.first_step_seconds,
            predicted_seconds=predicted,
            calls_share=calls,
            products_share=products,
            passes_share=passes,
            shares_are="measured" if parts else "fitted" if model else None,
            at_once=_is_at_once(parts or model, cell.batch),
            flops_per_second=cell.flops / time[0],
            flops_per_byte=cell.flops / cell.least_bytes,
            peak_flops_per_second=peak.flops_per_second if peak else nan,
            copy_bytes_per_second=peak.copy_bytes_per_second if peak else nan,
            copied_bytes=peak.copied_bytes if peak else None,
            cache_bytes_per_second=peak.cache_bytes_per_second or nan if peak else nan,
            hertz=hertz,
            flops_per_cycle=cell.flops / time[0] / hertz / cell.threads,
        )


def _is_at_once(known: Parts | Model | None, batch: int) -> bool:
    """Whether the batch goes through at once, as one sample always does; not where nothing is known of the parts."""
    return known is not None and (batch == 1 or not known.one_by_one)
