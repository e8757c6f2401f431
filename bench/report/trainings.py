"""Trainings as lines, tables and blocks: an epoch after the other, and what each engine needs to reach its target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan
from statistics import median

import pandas as pd

from ..analysis.time_to_accuracy import fastest, settings
from ..cells.cell import Setting
from ..cells.datasets import Measure
from ..records.training_record import Training
from ..timing.training import Epoch
from . import numbers
from .document import Block, Listing, Table, Text

NOTE = (
    "medians over the seeds, in brackets the range of those that reached it; one that did not counts as longer than "
    "any, and a factor that hangs on it is not told"
)


def epoch_heading(names: Sequence[str], measure: Measure) -> str:
    """What stands above the epochs' lines."""
    return f"epoch  {'  '.join(f'{name:>{_width(name)}} {measure:>8}' for name in names)}"


def epoch_line(epoch: Epoch, measure: Measure) -> str:
    """Each engine's seconds and score on the test part."""
    told = (
        f"{numbers.seconds(took):>{_width(name)}} {_score(epoch.scores[name], measure):>8}"
        for name, took in epoch.seconds.items()
    )
    return f"{epoch.number:5}  {'  '.join(told)}"


def _score(score: float, measure: Measure) -> str:
    return f"{score:.2%}" if measure == "accuracy" else f"{score:.4g}"


def worst(epoch: Epoch, measure: Measure) -> str:
    """The score of the engine that did worst."""
    return _score((min if measure == "accuracy" else max)(epoch.scores.values()), measure)


def conclusion(epochs: Sequence[Epoch], measure: Measure) -> Iterator[str]:
    """Medians over the epochs; each factor, over the first engine, is the median of the epochs' own ratios."""
    first, *_ = names = list(epochs[0].seconds)
    for name in names:
        typical = median(epoch.seconds[name] for epoch in epochs)
        told = f"{name}: {numbers.seconds(typical)} an epoch, test {measure} {_score(epochs[-1].scores[name], measure)}"
        if name != first:
            gain = median(epoch.seconds[first] / epoch.seconds[name] for epoch in epochs)
            told += f"; {numbers.factor(gain)} as fast as {first}"
        yield told


def _width(name: str) -> int:
    return max(len(name), 10)


def in_a_line(training: Training) -> str:
    """One batch size and seed, as it is done: the rate, the epochs, and each engine's seconds."""
    told = ", ".join(
        f"{engine.name} {numbers.seconds(seconds)} ({engine.reached})"
        if (seconds := engine.seconds_to_target) is not None
        else f"{engine.name} not within {training.epoch_limit}, at {engine.scores[-1]:.4g}"
        for engine in training.engines
    )
    return f"seed {training.seed}, batch {training.cell.batch}, eta {training.eta:.3g}: {told}"


def describe(found: Sequence[Training]) -> Iterator[str | Table]:
    """For the terminal: a table for each setting, and each engine's best batch size."""
    for part in settings(found):
        yield f"{part['machine'].iloc[0]}\n{title(part)}\n{NOTE}"
        yield table(part)
        yield from best(part).values()
        yield ""


def blocks(found: Sequence[Training]) -> Iterator[Block]:
    """For a page: a heading, a table and each engine's best batch size, for each setting."""
    for part in settings(found):
        told = title(part)
        yield Text(f"{told[:1].upper()}{told[1:]}", strong=True)
        yield Text(f"{part['machine'].iloc[0]}; {NOTE}")
        yield Listing(list(best(part).values()))
        yield table(part)


def title(part: pd.DataFrame) -> str:
    """What was to be reached, in one setting."""
    first = part.iloc[0]
    return f"time to a test {first['measure']} of {first['target']:.4g} on {first['data']}, {network(part)}"


def network(part: pd.DataFrame) -> str:
    """What was trained, in one setting."""
    first = part.iloc[0]
    return ", ".join([first["sizes"], *Setting(*first[[*Setting._fields]]).told])


def best(part: pd.DataFrame) -> dict[str, str]:
    """For each engine of a setting, where it is fastest, and how that compares with the first engine's best."""
    never = f"not within {part['epoch_limit'].max()} epochs at any of these batch sizes, for half of the seeds or more"
    told = {engine: f"{engine}: {never}" for engine in part["engine"].unique()}
    for engine, (batch, seconds, factor) in fastest(part).items():
        told[engine] = f"{engine} is fastest at batch {batch}: {numbers.seconds(seconds)}"
        if not isnan(factor):
            told[engine] += f", {numbers.factor(factor)} as fast as {part['baseline'].iloc[0]}'s best"
    return told


def finding(part: pd.DataFrame) -> str:
    """The best batch sizes of a setting in a sentence, and what they make of the engines."""
    tops, baseline = fastest(part), part["baseline"].iloc[0]
    measure, target = part["measure"].iloc[0], f"{part['target'].iloc[0]:.4g}"
    if not tops:
        return f"No engine reaches {target} within {part['epoch_limit'].max()} epochs"
    told = f"To test {measure} {target}, each engine at its best batch size"
    if len(batches := {batch for batch, _, _ in tops.values()}) == 1:
        told = f"Test {measure} {target} comes fastest at batch {batches.pop()}"
    gains = [f"{engine} {numbers.factor(factor)}" for engine, (_, _, factor) in tops.items() if not isnan(factor)]
    if not gains:
        return f"{told}: " + ", ".join(f"{engine} {numbers.seconds(top[1])}" for engine, top in tops.items())
    return f"{told}: {', '.join([f'{gains[0]} as fast as {baseline}', *gains[1:]])}"


def table(part: pd.DataFrame) -> Table:
    """A line for each batch size and engine of a setting."""
    lines = []
    for row, again in zip(part.itertuples(), part["batch"].duplicated(), strict=True):
        needed, factor = [f"not within {row.epoch_limit}", ""], "" if row.engine == row.baseline else "not told"
        if not isnan(row.seconds):
            span = _span(row.seconds, row.seconds_low, row.seconds_high)
            needed = [f"{row.epochs:g} ({row.epochs_low:g}-{row.epochs_high:g})", span]
        if not isnan(row.factor):
            factor = numbers.factor(row.factor)
        rate = ["", ""] if again else [str(row.batch), f"{row.eta:.3g}"]
        lines.append([*rate, row.engine, f"{row.reached} of {row.seeds}", *needed, factor])
    return Table(["batch", "eta", "engine", "reached", "epochs", "time", "factor"], lines, left=(2,), folds=(2,))


def _span(typical: float, low: float, high: float) -> str:
    """A time with its range: 410 ms (398-431), or 1.02 s (990 ms-1.04 s) where the units differ."""
    times = [numbers.seconds(value) for value in (typical, low, high)]
    if len({time.split()[1] for time in times}) == 1:
        times[1:] = [time.split()[0] for time in times[1:]]
    return f"{times[0]} ({times[1]}-{times[2]})"
