"""The question inside each library, in words and as a table: what each step from the loop on gains and costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from ..analysis.intervals import Estimate
from ..analysis.libraries import LIBRARIES, WAYS, Family, Series, series
from ..cells.cell import format_sizes
from ..records.record import Record
from . import numbers
from .answer import listed
from .document import Block, Fold, Picture, Table, Text
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
    """How to read it, the picture, and for each set of cells a heading and a table, folded but for the first.

    Nothing where no two compare.
    """
    sets = list(series(found))
    if not sets:
        return
    yield Text(HOW)
    yield Picture(STEM, f"Factors over the loop, and peak memory, against batch size in {listed([*LIBRARIES])}")
    for number, one in enumerate(sets):
        yield Text(heading(one, found), strong=True)
        if told := findings(one):
            yield Text(" ".join(told))
        own = table(one, numbers.estimate)
        yield Fold("Each library and batch size", own) if number else own


def describe(found: Sequence[Record]) -> Iterator[str | Table]:
    """The same for the terminal: of the first set, in 80 columns."""
    sets = list(series(found))
    for one in sets[:1]:
        yield f"{TITLE}, at {heading(one, found)}:"
        yield table(one, lambda factor: numbers.factor(factor.value))
        yield from (*findings(one), "")
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
    holds = [f"{way} holds" for way in SHORT]
    return Table(["library", "batch", *SHORT, "both", *holds], lines, wraps=(6, 7, 8))


def _factors(family: Family, write: Callable[[Estimate], str]) -> list[str]:
    loop, *ways = map(family.way, range(len(WAYS)))
    steps = [write(way.over_before) if way and way.over_before else "" for way in ways]
    last = ways[-1]
    both = write(last.over_loop) if last and last.over_loop else ""
    return [numbers.seconds(loop.seconds.value) if loop else "", *steps, both]


def _sizes(family: Family) -> list[str]:
    peaks = [way and way.result.peak_bytes for way in map(family.way, range(len(WAYS)))]
    return [numbers.size(peak) if peak else "" for peak in peaks]


def findings(one: Series) -> list[str]:
    """Each in a sentence."""
    return [finding.sentence for finding in (gained(one), held(one)) if finding]


class Finding(NamedTuple):
    """How the whole batch compares in each library, at the largest batch size that two of them have.

    short, and what it is of, are for a title and the line under it.
    """

    short: str
    of: str
    sentence: str


def gained(one: Series) -> Finding | None:
    """How much faster the whole batch is than the loop; None where no two libraries can be compared."""
    batch, compared = one.last_with(LOOP, WHOLE)
    ways = {family.library: family.way(WHOLE) for family in compared}
    told = [(library, way.over_loop.value) for library, way in ways.items() if way and way.over_loop]
    if not told:
        return None
    sentence = f"At batch {batch} the whole batch is {_listed(told, ' as fast as the loop')}."
    return Finding(f"The whole batch gains {_listed(told)}", f"at batch {batch}, times as fast as the loop", sentence)


def held(one: Series) -> Finding | None:
    """How much more memory all per-sample gradients hold than the whole batch; None where no two can be compared."""
    batch, compared = one.last_with(AT_ONCE, WHOLE)
    told = []
    for family in compared:
        at_once, whole = (way and way.result.peak_bytes for way in map(family.way, (AT_ONCE, WHOLE)))
        if at_once and whole:
            told.append((family.library, at_once / whole))
    if not told:
        return None
    sentence = f"At batch {batch} {WAYS[AT_ONCE]} hold {_listed(told, ' the memory of the whole batch')}."
    of = f"at batch {batch}, times the whole batch's"
    return Finding(f"Per-sample gradients hold {_listed(told)}", of, sentence)


def _listed(told: Sequence[tuple[str, float]], unit: str = "") -> str:
    """Each factor in its library; the first says of what it is."""
    words = [f"{numbers.factor(value)}{'' if i else unit} in {library}" for i, (library, value) in enumerate(told)]
    return listed(words) if unit else ", ".join(words)
