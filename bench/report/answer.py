"""The answer in a sentence or two; and what is said of its two engines elsewhere: from where on, in what memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import floor, isfinite

import pandas as pd

from ..analysis import intervals, ladder, speedups
from ..analysis.cost_model import Model
from ..analysis.crossover import crossover
from ..analysis.intervals import Estimate
from ..analysis.question import BASELINE, CHALLENGER, HEADLINE
from ..cells.cell import Cell, format_sizes
from ..records.record import Record, Result
from . import numbers
from .grouping import of_setting
from .machines import letters, placed

UNRESOLVED = "no difference was resolved"
UNCERTAIN: dict[speedups.Doubt, str] = {
    "cores shared": "another race ran on the same cores",
    "throttled": "the process was throttled meanwhile",
    "noisy": f"two copies of one engine may differ by more than {speedups.UNCERTAIN:.0%} there",
    "wide": "the interval is wide",
}
BEYOND = "more than 100 % is noise, or products in a faster form than the floor's"


@dataclass(frozen=True)
class Pair:
    """One cell in which an engine, the challenger, is compared with the baseline."""

    record: Record
    baseline: Result
    challenger: Result
    factor: Estimate

    def races(self, found: Iterable[Record]) -> list[Record]:
        """Those of its machine and setting, on random data."""
        return [record for record in found if record.setting == self.record.setting and record.cell.data == "random"]

    def by_batch(self, found: Iterable[Record]) -> list[Record]:
        """Those of its network besides, in order of batch size."""
        own = [record for record in self.races(found) if record.cell.sizes == self.record.cell.sizes]
        return sorted(own, key=lambda record: record.cell.batch)

    def rows(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Those of its machine, setting and baseline, on random data."""
        own = of_setting(rows, self.record.setting)
        same = (own["machine"] == self.record.setting.machine) & (own["baseline"] == self.baseline.name)
        return own[same & (own["data"] == "random")]


def headline(found: Sequence[Record]) -> Pair | None:
    """The cell to tell of: that of the ladder that is shown, or the project's own, or the first that has a factor.

    An epoch of a data set is told of where nothing else has a factor.
    """
    top = ladder.headline(found)
    own = [record for record in found if record.cell.id == HEADLINE]
    others = sorted(found, key=lambda record: record.cell.data != "random")
    for record in [*([top.record] if top else own), *others]:
        baseline = speedups.baseline(record)
        rivals = [result for result in record.contestants if result is not baseline]
        rivals.sort(key=lambda result: result.name != CHALLENGER)
        for result in rivals:
            if factor := speedups.speedup(record, result):
                return Pair(record, baseline, result, factor)
    return None


def network(pair: Pair, found: Sequence[Record]) -> str:
    """The pair's network; where these races are of several settings or machines, with its own: of few words."""
    setting, sizes = pair.record.setting, format_sizes(pair.record.cell.sizes)
    several = any(record.setting[1:] != setting[1:] for record in found)
    place = letters(record.environment.machine for record in found)[setting.machine]
    return placed(f"{sizes}, {setting}" if several else sizes, place)


def located(told: str, pair: Pair, found: Sequence[Record]) -> str:
    """A sentence about the pair's races; where they are not all of one setting and machine, after what they are of."""
    where = network(pair, found)
    return told if where == format_sizes(pair.record.cell.sizes) else f"At {where}: {told[:1].lower()}{told[1:]}"


def question(found: Sequence[Record]) -> str:
    """What is asked of these records, in a title: the project's question where its two engines were raced."""
    pair = headline(found)
    if pair is None:
        return "Engines of backprop, side by side"
    if (pair.baseline.name, pair.challenger.name) != (BASELINE, CHALLENGER):
        return f"How much faster is a step of backprop by {pair.challenger.name} than by {pair.baseline.name}?"
    return "How much faster is backprop over a whole mini-batch?"


def sentences(found: Sequence[Record], rows: pd.DataFrame) -> Iterator[str]:
    """How much faster, as far as the records, of one machine, go."""
    pair = headline(found)
    if pair is None:
        yield "No engine was timed beside another: there is no factor to tell."
        return
    yield how_much(pair)
    if others := " ".join([*_elsewhere(pair, found, rows), *_fastest(pair)]):
        yield others


def how_much(pair: Pair) -> str:
    cell, slow, fast = pair.record.cell, pair.baseline.name, pair.challenger.name
    times = [
        numbers.seconds(taken.value)
        for result in (pair.challenger, pair.baseline)
        if (taken := intervals.typical(result.seconds))
    ]
    epoch = "" if cell.data == "random" else f" over an epoch of {cell.data}"
    doubt = speedups.doubt(pair.record, pair.factor)
    before = f"{UNRESOLVED}, " if doubt == "unresolved" else ""
    after = f"; this is uncertain, as {UNCERTAIN[doubt]}" if doubt in UNCERTAIN else ""
    return (
        f"At {format_sizes(cell.sizes)}, batch {cell.batch} ({', '.join(pair.record.setting.told)}), {fast} takes "
        f"{times[0]} a step{epoch} where {slow} takes {times[1]}: {before}{numbers.factor(pair.factor.value)} as fast "
        f"(95 % interval {numbers.interval(pair.factor.low, pair.factor.high)}){after}."
    )


def _elsewhere(pair: Pair, found: Sequence[Record], rows: pd.DataFrame) -> Iterator[str]:
    """The factor over all cells of the pair's setting; its interval where the largest is uncertain."""
    like = pair.rows(rows)
    own = like[like["engine"] == pair.challenger.name]["speedup"].dropna()
    if len(own) > 1:
        cell = like.loc[own.idxmax(), "cell"]
        (record,) = [record for record in pair.races(found) if record.cell.id == cell]
        yield (
            f"Over {len(own)} cells of this setting it is {numbers.factor(own.min())} to {numbers.factor(own.max())} "
            f"as fast{_uncertain(pair, record)}, {numbers.factor(own.median())} in the median."
        )


def _uncertain(pair: Pair, record: Record) -> str:
    """In brackets, that a cell's factor of the pair is uncertain, and why; "" where it is not."""
    factor = ladder.between(record, pair.baseline.name, pair.challenger.name)
    doubt = speedups.doubt(record, factor) if factor else None
    if not factor or not doubt:
        return ""
    why = f"uncertain, as {UNCERTAIN[doubt]}" if doubt in UNCERTAIN else UNRESOLVED
    return f" (the largest of 95 % interval {numbers.interval(factor.low, factor.high)}, {why})"


def _fastest(pair: Pair) -> Iterator[str]:
    """The fastest engine in the cell, where it is neither of the two."""
    best, *level = speedups.fastest(pair.record)
    gain = speedups.speedup(pair.record, best)
    if gain and best not in (pair.baseline, pair.challenger):
        share = speedups.efficiency(pair.record, best)
        told = f"The fastest engine there is {best.name}, {numbers.factor(gain.value)} as fast"
        told += f", at {share.value:.0%} of the speed of the products alone" if share else ""
        told += f" ({BEYOND})" if share and share.value >= 1.005 else ""
        if level:
            told += f", and the noise does not tell {listed([result.name for result in level])} from it"
        yield f"{told}."


def pays_from(slow: Model, fast: Model, network: Cell) -> str:
    """From which batch size on the one overtakes the other, in words."""
    level = crossover(slow, fast, network)
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


def memory(pair: Pair, rows: pd.DataFrame) -> str:
    """What a step of the two takes in memory, at the cell's batch size and at the largest; "" where it is not known."""
    fast, slow = pair.challenger.name, pair.baseline.name
    like = pair.rows(rows)
    same = like[like["sizes"] == format_sizes(pair.record.cell.sizes)]
    peaks = same.pivot(index="batch", columns="engine", values="peak_bytes")
    if fast not in peaks or slow not in peaks or (peaks := peaks[[slow, fast]].dropna()).empty:
        return ""
    batches = dict.fromkeys([pair.record.cell.batch, max(peaks.index)])
    spans = [
        (batch, numbers.size(peaks[fast][batch]), numbers.size(peaks[slow][batch]))
        for batch in batches
        if batch in peaks.index
    ]
    (batch, ours, theirs), *largest = spans
    told = f"At batch {batch} a step of {fast} takes {ours}, and one of {slow} {theirs}"
    return "; ".join([told, *(f"at batch {batch}: {ours} and {theirs}" for batch, ours, theirs in largest)]) + "."


def missed(models: Sequence[Model]) -> str:
    """How far off the cost model was, in words."""
    return (
        f"Cells that a fit of the cost model had not seen were missed by up to "
        f"{max(model.median_error for model in models):.0%} in an engine's median; the worst seen so far is "
        f"{max(abs(model.worst.error) for model in models):.0%}.{at_pace(models)}"
    )


def at_pace(models: Sequence[Model]) -> str:
    """A sentence, after a blank, where races tell how the machine's pace differed, which no prediction knows."""
    least, most = min(model.paces[0] for model in models), max(model.paces[1] for model in models)
    if least == most:
        return ""
    return (
        " That is at the usual pace of the machine: others use it, too, and single races took "
        f"{least:.2f} to {most:.2f} times as long, products apart."
    )


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: a, b and c."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def sentence_of(words: str) -> str:
    """The words with a capital in front."""
    return f"{words[:1].upper()}{words[1:]}"
