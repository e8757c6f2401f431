"""Why the factor is what it is: one network followed down the ladder, and the two engines at each batch size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from backprop.engine import change

from ..analysis import intervals, ladder, speedups
from ..analysis.ladder import Ladder, Rung
from ..analysis.question import BASELINE, CHALLENGER
from ..records.record import Record
from . import numbers, parts
from .answer import UNRESOLVED, Pair, headline, listed, network, sentence_of
from .document import Block, Listing, Picture, Table, Text
from .figures import removed
from .machines import letters, placed
from .parts import Split

OF_THE_LOOP = {  # why a part goes as the loop over samples does
    "calls": "calls are made once a step and not once for each sample",
    "passes": "parameters and gradients go through memory once a step and not once for each sample",
    "products": "products are of whole matrices and not of one sample at a time",
}
EACH = (
    "What a step of each engine goes to. Where the parts are measured, calls and products were raced, and the passes "
    "are the rest of the step:"
)
SIGNS = (
    "with a minus, what comes; a dash where no difference was resolved, where products are the floor's in both, or "
    f"where less than {parts.NOTABLE:.0%} of all that changes goes or comes"
)


def blocks(found: Sequence[Record], rows: pd.DataFrame) -> Iterator[Block]:
    """What the parts are and how they are known, the picture, a sentence a change, a line a batch size."""
    top, pair = ladder.headline(found), headline(found)
    split = parts.of_cell(rows, top.record.environment.machine, top.record.cell.id) if top else {}
    across = list(by_batch(pair, found, rows)) if pair else []
    ways = dict.fromkeys([*parts.known(split.values()), *parts.known(one for *_, own in across for one in own)])
    if not ways:
        return
    yield Text(parts.MEANING)
    yield from (Text(parts.HOW[way]) for way in ways)
    down = [told for rung in top.rungs if (told := sentence(top, rung, split))] if top else []
    if top and down:
        place = letters(rows["machine"])[top.record.environment.machine]
        yield Text(f"{placed(top.record.cell.id, place)}, down the ladder:", strong=True)
        yield Picture(removed.STEM, "What each change removed: calls, passes and products, in seconds of a step")
        yield Text(EACH)
        yield _each(split)
        yield Listing(down)
        yield from (Text(told) for told in left(top, split))
    if pair and across:
        yield Text(f"{network(pair, found)}, at each batch size:", strong=True)
        yield from (Text(told) for told in ends(pair, across))
        yield Text(f"What goes from {pair.baseline.name} to {pair.challenger.name}; {SIGNS}:")
        yield _table(pair, across)


def sentence(top: Ladder, rung: Rung, split: dict[str, Split]) -> tuple[str, str] | None:
    """What a change removed, after the names of the two engines; None where that is not known."""
    if rung.base is None or rung.factor is None or rung.name not in split or rung.base not in split:
        return None
    before, after = split[rung.base], split[rung.name]
    how = change(rung.name)
    times = f"{numbers.seconds(sum(before.seconds.values()))} become {numbers.seconds(rung.seconds.value)}"
    if not speedups.resolved(top.record, rung.factor):
        told = f": {UNRESOLVED}, {numbers.estimate(rung.factor)} as fast; {times}."
    else:
        gone = parts.in_words(parts.moved(top.record, rung.factor, before, after))
        known = parts.ways({rung.base: before, rung.name: after})
        told = f": {gone} ({known}); {times}, {numbers.factor(rung.factor.value)} as fast."
    return f"{rung.base} to {rung.name}", f"{told} {sentence_of(how)}." if how else told


def left(top: Ladder, split: dict[str, Split]) -> Iterator[str]:
    """What the fastest rung still spends, where it is another than the first."""
    if top.fastest is top.rungs[0]:
        yield f"Nothing on the ladder is faster than {top.fastest.name} here."
    elif own := split.get(top.fastest.name):
        told = [f"{numbers.seconds(seconds)} of {name}" for name, seconds in own.seconds.items()]
        yield f"What is left of {top.fastest.name}, {numbers.seconds(top.fastest.seconds.value)}: {listed(told)}."


def in_brief(found: Sequence[Record], rows: pd.DataFrame) -> Iterator[str]:
    """For a terminal: why the factor of the cell that is told of is what it is, and how that is known."""
    if (pair := headline(found)) and (own := list(_compared(pair, pair.record, rows))):
        (one,) = own
        yield f"Why: {reason(pair, one)}"


Across = tuple[Record, intervals.Estimate, tuple[Split, Split]]


def by_batch(pair: Pair, found: Sequence[Record], rows: pd.DataFrame) -> Iterator[Across]:
    """The races of the pair's network and setting by batch size, with their factor and parts where both are known."""
    for record in pair.by_batch(found):
        yield from _compared(pair, record, rows)


def _compared(pair: Pair, record: Record, rows: pd.DataFrame) -> Iterator[Across]:
    names = pair.baseline.name, pair.challenger.name
    split = parts.of_cell(rows, record.environment.machine, record.cell.id)
    factor = ladder.between(record, *names)
    if factor and all(name in split for name in names):
        yield record, factor, (split[names[0]], split[names[1]])


def reason(pair: Pair, one: Across) -> str:
    """Why one cell's factor is what it is, in a sentence or two."""
    slow, fast = pair.baseline.name, pair.challenger.name
    record, factor, own = one
    if not speedups.resolved(record, factor):
        return f"{sentence_of(UNRESOLVED)}."
    gone = parts.moved(record, factor, *own)
    told = f"From {slow} to {fast} {parts.in_words(gone)} ({parts.ways(dict(zip((slow, fast), own, strict=True)))})."
    if (slow, fast) != (BASELINE, CHALLENGER):
        return told
    why = [OF_THE_LOOP[name] for name, seconds in gone.items() if seconds > 0]
    return f"{told} {sentence_of('; '.join(why))}." if why else told


def ends(pair: Pair, across: Sequence[Across]) -> Iterator[str]:
    """The smallest and the largest batch size in words."""
    for one in across[:1] if len(across) < 2 else (across[0], across[-1]):
        record, factor, _ = one
        yield f"At batch {record.cell.batch} the factor is {numbers.estimate(factor)}. {reason(pair, one)}"


def _table(pair: Pair, across: Sequence[Across]) -> Table:
    """What goes from the one to the other, by batch size."""
    lines, names = [], (pair.baseline.name, pair.challenger.name)
    for record, factor, own in across:
        gone = parts.moved(record, factor, *own)
        times = [numbers.seconds(sum(part.seconds.values())) for part in own]
        lines.append(
            [
                str(record.cell.batch),
                *times,
                numbers.estimate(factor),
                *(_signed(gone[name]) if name in gone else "-" for name in parts.COLUMNS),
                " and ".join(parts.known(own)),
            ]
        )
    headings = [*names, "factor (95 % interval)", *(f"{name} gone" for name in parts.COLUMNS)]
    return Table(["batch", *headings, "parts are"], lines)


def _each(split: dict[str, Split]) -> Table:
    """What a step of each engine goes to."""
    lines = []
    for name, own in split.items():
        times = [sum(own.seconds.values()), *own.seconds.values()]
        lines.append([name, *map(numbers.seconds, times), own.known])
    return Table(["engine", "a step", *parts.COLUMNS, "parts are"], lines)


def _signed(seconds: float) -> str:
    """Below zero what came."""
    return f"{'-' if seconds < 0 else ''}{numbers.seconds(abs(seconds))}"
