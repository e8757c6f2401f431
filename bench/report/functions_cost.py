"""What the functions of a network cost, in words and as a table: a line for each of them, a column for each engine."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence

from backprop.functions import USUAL_HEAD, USUAL_HIDDEN

from ..analysis import ladder, speedups
from ..analysis.functions_cost import Comparison, comparisons, in_floors
from ..analysis.intervals import Estimate
from ..cells.cell import Cell, format_sizes, functions_told
from ..records.record import Record
from . import numbers
from .document import Listing, Table, Text
from .machines import letters, placed

HOW = (
    "A number with an x is a step in floors: the engine's time over that of the products alone, in the same rounds. "
    "The others say by how many percent a step takes more floors than one of the first line, or fewer, with the 95 % "
    "interval. So no times of different races are compared, between which the machine's speed wanders: the products "
    "are the same work whatever the functions are."
)

SETS, ABREAST = 4, 4  # in a terminal: so many sets, and so many engines in 80 columns


def blocks(found: Iterable[Record], abreast: int = sys.maxsize) -> Iterator[Text | Table | Listing]:
    """For each set of cells that differ in functions alone a heading, a table, and who was left out of it and why.

    A table has so many engines abreast at the most; the others come in another one.
    """
    sets = list(comparisons(found))
    places = letters(one.reference.environment.machine for one in sets)
    if sets:
        yield Text(HOW)
    for one in sets:
        cell, machine = one.reference.cell, one.reference.environment.machine
        where = ", ".join(
            [format_sizes(cell.sizes), f"batch {cell.batch}", cell.dtype, f"BLAS threads: {cell.threads}"]
        )
        yield Text(placed(where, places[machine]), strong=True)
        for start in range(0, len(one.engines), abreast):
            yield table(one, one.engines[start : start + abreast])
        if reasons := list(_reasons(one)):
            yield Listing(reasons)


def describe(found: Iterable[Record]) -> Iterator[str | Table]:
    """The same for the terminal, as far as there is room."""
    told = 0
    for block in blocks(found, ABREAST):
        match block:
            case Text(words):
                told += block.strong
                if told > SETS:
                    yield "What functions cost in other cells: the report has it."
                    return
                yield words
            case Listing(items):
                yield from (*map("".join, items), "")
            case Table():
                yield from (block, "")


def table(one: Comparison, engines: Sequence[str]) -> Table:
    lines = [
        [record.cell.hidden, record.cell.head, *(_field(one, record, engine) for engine in engines)]
        for record in one.records
    ]
    return Table(["hidden", "head", *engines], lines, left=(0, 1))


def _field(one: Comparison, record: Record, engine: str) -> str:
    """The cost; of the reference, and of an engine that has no cost as it was left out there, the step in floors."""
    taken, cost = in_floors(record, engine), one.cost(record, engine)
    if taken is None:
        return "left out"
    return numbers.factor(taken.value) if cost is None or record is one.reference else _more(cost)


def _more(cost: Estimate) -> str:
    """How much more or less than 1, in percent."""
    return f"{round(100 * (cost.value - 1)):+d} ±{_margin(cost)}"


def _margin(cost: Estimate) -> str:
    return f"{max(cost.high - cost.value, cost.value - cost.low):.0%}"


def _reasons(one: Comparison) -> Iterator[tuple[str, str]]:
    """Each engine that was left out of any of the cells, and the first reason."""
    for engine in one.engines:
        told = [r.left_out for record in one.records for r in record.contestants if r.name == engine and r.left_out]
        if told:
            yield engine, f": left out of {len(told)} of {len(one.records)}: {told[0]}"


def sentence(found: Iterable[Record], cell: Cell) -> str:
    """What the usual functions cost the loop and the fastest rung, told of this cell's set or the first; "" without."""
    sets = sorted(comparisons(found), key=lambda one: one.reference.cell != cell)
    top = ladder.climb(sets[0].reference) if sets else None
    if top is None:
        return ""
    one, reference = sets[0], top.record.cell
    usual = [
        record
        for record in one.records[1:]
        if record.cell.hidden in (reference.hidden, USUAL_HIDDEN) and record.cell.head in (reference.head, USUAL_HEAD)
    ]
    engines = dict.fromkeys([speedups.baseline(top.record).name, top.fastest.name])
    told = [
        f"with {' and '.join(record.cell.setting_on().functions)} it takes {_compared(one, record, engines)}"
        for record in usual or one.records[1:2]
    ]
    words = functions_told(reference.hidden, reference.head)[len(reference.sizes) == 2 :]
    return (
        f"What functions cost a step at {format_sizes(reference.sizes)}, batch {reference.batch}, counted in floors, "
        f"against {' and '.join(words)}: {'; '.join(told)}."
    )


def _compared(one: Comparison, record: Record, engines: Iterable[str]) -> str:
    """What the functions of the record cost each engine, in words."""
    costs = [(engine, cost) for engine in engines if (cost := one.cost(record, engine))]
    return " and ".join(f"{engine} {_longer(cost)}" for engine, cost in costs)


def _longer(cost: Estimate) -> str:
    if cost.low <= 1 <= cost.high:
        return f"as long (±{_margin(cost)})"
    return f"{abs(cost.value - 1):.0%} {'more' if cost.value > 1 else 'less'} (±{_margin(cost)})"
