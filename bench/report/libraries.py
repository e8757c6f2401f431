"""The question inside each library, in words and as a table: what each step from the loop on gains and costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from ..analysis.intervals import Estimate
from ..analysis.libraries import LIBRARIES, WAYS, Family, Series, series
from ..cells.cell import format_sizes
from ..records.record import Record
from . import numbers
from .answer import listed
from .document import Block, Picture, Table, Text
from .machines import letters, placed

STEM = "libraries"
TITLE = "The question inside each library"
LOOP, AT_ONCE, WHOLE = range(len(WAYS))
ENGINES = [listed(names) for names in zip(*LIBRARIES.values(), strict=True)]
HOW = (
    f"From a {WAYS[LOOP]} ({ENGINES[LOOP]}) to {WAYS[AT_ONCE]}, then their mean ({ENGINES[AT_ONCE]}), to the "
    f"{WAYS[WHOLE]} in one product a layer ({ENGINES[WHOLE]}). A factor is the time of the way that stands before it "
    "over its own, in the same rounds and the same library, with its 95 % interval: so it tells of the change alone. "
    "Memory is the most that an engine and its first step hold."
)
SHORT = ("loop", "at once", "whole batch")


def blocks(found: Sequence[Record]) -> Iterator[Block]:
    """How to read it, the picture, and for each set of cells a heading and a table; nothing where no two compare."""
    sets = list(series(found))
    if not sets:
        return
    yield Text(HOW)
    yield Picture(STEM, f"Factors over the loop, and peak memory, against batch size in {listed([*LIBRARIES])}")
    for one in sets:
        yield Text(heading(one, found), strong=True)
        if told := [words for words in (gained(one), held(one)) if words]:
            yield Text(f"{'. '.join(told)}.")
        yield table(one, numbers.estimate)


def describe(found: Sequence[Record]) -> Iterator[str | Table]:
    """The same for the terminal: of the first set, in 80 columns."""
    sets = list(series(found))
    for one in sets[:1]:
        yield f"{TITLE}, at {heading(one, found)}:"
        yield table(one, lambda factor: numbers.factor(factor.value))
        yield from (f"{words}." for words in (gained(one), held(one)) if words)
    if len(sets) > 1:
        yield f"{TITLE} in {len(sets) - 1} other sets of cells: the report has it."


def heading(one: Series, found: Iterable[Record]) -> str:
    """What the cells of a series have in common, after the machine's letter where there are several."""
    first = one.records[0]
    place = letters(record.environment.machine for record in found)[first.environment.machine]
    return placed("; ".join([format_sizes(first.cell.sizes), *first.setting.told]), place)


def table(one: Series, write: Callable[[Estimate], str]) -> Table:
    """A line for each library and batch size: the loop's time, the factor of each step and of both, and the memory."""
    lines = [
        [library, str(batch), *_factors(family, write), *_sizes(family)]
        for library in LIBRARIES
        for batch, family in one.of(library)
    ]
    return Table(["library", "batch", *SHORT, "both", *(f"{way} holds" for way in SHORT)], lines)


def _factors(family: Family, write: Callable[[Estimate], str]) -> list[str]:
    loop, *ways = map(family.way, range(len(WAYS)))
    steps = [write(way.over_before) if way and way.over_before else "" for way in ways]
    last = ways[-1]
    both = write(last.over_loop) if last and last.over_loop else ""
    return [numbers.seconds(loop.seconds.value) if loop else "", *steps, both]


def _sizes(family: Family) -> list[str]:
    peaks = [way and way.result.peak_bytes for way in map(family.way, range(len(WAYS)))]
    return [numbers.size(peak) if peak else "" for peak in peaks]


def gained(one: Series) -> str:
    """How much faster than the loop the whole batch is in each library, in words; "" where no two can be compared."""
    if not (found := one.last_with(LOOP, WHOLE)):
        return ""
    batch, compared = found
    told = [f"{_over_loop(family, WHOLE)} in {family.library}" for family in compared]
    return f"At batch {batch} the whole batch is {listed(told)} as fast as the loop"


def held(one: Series) -> str:
    """What the per-sample gradients cost in memory, against the whole batch, and what they leave of its factor."""
    if not (found := one.last_with(AT_ONCE, WHOLE)):
        return ""
    batch, compared = found
    told = []
    for family in compared:
        at_once, whole = (way and way.result.peak_bytes for way in map(family.way, (AT_ONCE, WHOLE)))
        if at_once and whole:
            told.append(f"{numbers.factor(at_once / whole)} in {family.library}")
    return f"At batch {batch} {WAYS[AT_ONCE]} hold {listed(told)} the memory of the whole batch" if told else ""


def _over_loop(family: Family, number: int) -> str:
    way = family.way(number)
    assert way is not None, family
    assert way.over_loop is not None, family
    return numbers.factor(way.over_loop.value)
