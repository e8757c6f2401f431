"""The answer in three sentences: how much faster, from which batch size on and why, at what cost and how sure.

And a fourth where networks of several functions were raced: what these cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import floor, isfinite

import pandas as pd

from ..analysis import intervals, ladder, speedup_frame, speedups
from ..analysis.cost_model import Model
from ..analysis.crossover import crossover
from ..analysis.intervals import Estimate
from ..analysis.question import BASELINE, CHALLENGER, HEADLINE
from ..analysis.shares import Shares
from ..cells.cell import Cell, format_sizes
from ..records.record import Record, Result
from . import functions_cost, numbers
from .grouping import of_setting

PARTS = {
    "calls": "the interpreter and its calls",
    "products": "the products",
    "passes": "the passes over parameters and activations",
}
OF_THE_LOOP = {  # why its share is the larger one
    "calls": ", paid for each sample and not once a step",
    "products": ", one sample at a time and not as whole matrices",
    "passes": "",
}
NOTABLE = 0.1  # of the time saved: less is not told


@dataclass(frozen=True)
class Pair:
    """One cell in which an engine, the challenger, is compared with the baseline."""

    record: Record
    baseline: Result
    challenger: Result
    factor: Estimate


def headline(found: Sequence[Record]) -> Pair | None:
    """The cell to tell of: that of the ladder that is shown, or the project's own, or the first that has a factor."""
    top = ladder.headline(found)
    own = [record for record in found if record.cell.id == HEADLINE]
    for record in [*([top.record] if top else own), *found]:
        baseline = speedups.baseline(record)
        others = [result for result in record.contestants if result is not baseline]
        others.sort(key=lambda result: result.name != CHALLENGER)
        for result in others:
            if factor := speedups.speedup(record, result):
                return Pair(record, baseline, result, factor)
    return None


def question(found: Sequence[Record]) -> str:
    """What is asked of these records, in a title: the project's question where its two engines were raced."""
    pair = headline(found)
    if pair is None:
        return "Engines of backprop, side by side"
    if (pair.baseline.name, pair.challenger.name) != (BASELINE, CHALLENGER):
        return f"How much faster is a step of backprop by {pair.challenger.name} than by {pair.baseline.name}?"
    return "How much faster is backprop over a whole mini-batch?"


def sentences(found: Sequence[Record], rows: pd.DataFrame, models: Iterable[Model]) -> Iterator[str]:
    """The sentences, as far as the records, of one machine, go."""
    pair = headline(found)
    if pair is None:
        yield "No engine was timed beside another: there is no factor to tell."
        return
    own = [
        model
        for name in (pair.baseline.name, pair.challenger.name)
        for model in models
        if model.engine == name and model.setting == pair.record.setting
    ]
    yield how_much(pair, rows)
    if len(own) == 2:
        yield from_where_and_why(pair, own[0], own[1])
    yield cost_and_certainty(pair, rows, own)
    if told := functions_cost.sentence(found, pair.record.cell):
        yield told


def how_much(pair: Pair, rows: pd.DataFrame) -> str:
    cell, slow, fast = pair.record.cell, pair.baseline.name, pair.challenger.name
    times = [
        numbers.seconds(taken.value)
        for result in (pair.challenger, pair.baseline)
        if (taken := intervals.typical(result.seconds))
    ]
    told = (
        f"At {format_sizes(cell.sizes)}, batch {cell.batch} ({', '.join(pair.record.setting.told)}), {fast} takes "
        f"{times[0]} a step where {slow} takes {times[1]}: {numbers.factor(pair.factor.value)} as fast (95 % interval "
        f"{numbers.interval(pair.factor.low, pair.factor.high)})"
    )
    all_cells = rows[(rows["engine"] == fast) & (rows["data"] == "random")]["speedup"].dropna()
    if len(all_cells) > 1:
        told += (
            f"; over {len(all_cells)} cells it is {numbers.factor(all_cells.min())} to "
            f"{numbers.factor(all_cells.max())} as fast, {numbers.factor(all_cells.median())} in the median"
        )
    best, *level = speedups.fastest(pair.record)
    gain = speedups.speedup(pair.record, best)
    if gain and best.name not in (fast, slow):
        share = speedups.efficiency(pair.record, best)
        of_floor = f", at {share.value:.0%} of the speed of the products alone" if share else ""
        told += f"; the fastest engine there is {best.name}, {numbers.factor(gain.value)} as fast{of_floor}"
        if level:
            told += f", and the noise does not tell {listed([result.name for result in level])} from it"
    return told + "."


def from_where_and_why(pair: Pair, slow: Model, fast: Model) -> str:
    cell = pair.record.cell
    told = f"{pays_from(slow, fast, cell.sizes)}; at batch {cell.batch} {outside_products(slow, cell)}"
    saved = slow.seconds(cell) - fast.seconds(cell)
    is_loop = slow.engine == BASELINE
    reasons = [
        f"{numbers.seconds(before)} against {numbers.seconds(after)} go into {PARTS[part]}"
        + (OF_THE_LOOP[part] if is_loop else "")
        for part, before, after in zip(Shares._fields, slow.shares(cell), fast.shares(cell), strict=True)
        if before - after > NOTABLE * saved > 0
    ]
    return f"{told}: {', and '.join(reasons)}." if reasons else f"{told}."


def outside_products(model: Model, cell: Cell) -> str:
    """How much of an engine's step is none of the mathematics, in words."""
    share = 1 - model.shares(cell).products / model.seconds(cell)
    return f"{numbers.fraction(share)} of {model.engine}'s time ({share:.0%}) is spent outside the products"


def pays_from(slow: Model, fast: Model, sizes: tuple[int, ...]) -> str:
    """From which batch size on the one overtakes the other, in words."""
    level = crossover(slow, fast, sizes)
    if level is None:
        return f"By the cost model {fast.engine} overtakes {slow.engine} at no batch size"
    surely = f"from batch {floor(level.high) + 1} on" if isfinite(level.high) else "at no batch size"
    if level.value < 1:
        told = f"By the cost model {fast.engine} is ahead of {slow.engine} from batch 1 on"
        return told if level.high < 1 else f"{told}, and in its whole 95 % interval {surely}"
    told = (
        f"By the cost model {fast.engine} overtakes {slow.engine} at a batch of {at_batch(level.value)} (95 % interval "
        f"{at_batch(level.low)} to {at_batch(level.high)})"
    )
    return f"{told}: it pays {surely}" if isfinite(level.high) else told


def at_batch(level: float) -> str:
    """The batch size of a crossover, of which nothing is known below a batch of 1."""
    return "below 1" if level < 1 else f"{level:.2f}" if isfinite(level) else "no batch size"


def cost_and_certainty(pair: Pair, rows: pd.DataFrame, own: Sequence[Model]) -> str:
    fast, slow = pair.challenger.name, pair.baseline.name
    same = rows[(rows["sizes"] == format_sizes(pair.record.cell.sizes)) & (rows["data"] == "random")]
    peaks = of_setting(same, pair.record.setting).pivot(index="batch", columns="engine", values="peak_bytes")
    told = []
    if fast in peaks and slow in peaks:
        peaks = peaks[[slow, fast]].dropna()
    if fast in peaks and slow in peaks and len(peaks):
        batches = dict.fromkeys([pair.record.cell.batch, max(peaks.index)])
        spans = " and ".join(
            f"{numbers.size(peaks[fast][batch])} against {numbers.size(peaks[slow][batch])} at batch {batch}"
            for batch in batches
            if batch in peaks.index
        )
        told.append(f"In memory a step of {fast} takes {spans}")
    if noise := speedup_frame.noise(rows):
        told.append(
            f"the interval of two copies of one engine reached {noise.median:.1%} from 1 in the median race and "
            f"{noise.worst:.1%} in the worst, and no smaller difference was resolved"
        )
    if own:
        misses = [model.median_error for model in own], [abs(model.worst.error) for model in own]
        told.append(
            f"cells that a fit had not seen were missed by up to {max(misses[0]):.0%} in the median and "
            f"{max(misses[1]):.0%} in the worst, and others may be by more"
        )
    text = "; ".join(told)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: a, b and c."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
