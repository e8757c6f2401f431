"""Figures of what functions cost: an engine's step, counted in floors, against that of the default functions."""

from __future__ import annotations

from bench.analysis.functions_cost import Comparison, comparisons
from bench.analysis.intervals import Estimate
from bench.report import functions_cost, markdown

from . import published
from .registry import UntrueError, figure


@figure
def functions_table(folder: str, cell: str) -> str:
    """All engines and functions at the sizes and batch of this cell."""
    one = _comparison(folder, cell)
    return markdown.table(functions_cost.table(one, one.engines))


@figure
def costs(folder: str, engine: str, cell: str) -> str:
    """By how much longer a step takes with the functions of this cell."""
    cost = _cost(folder, engine, cell)
    if cost.low <= 1 <= cost.high:
        return "nothing that could be told"
    return _more(cost, f"{engine} takes no more time at {cell}")


@figure
def saves(folder: str, engine: str, cell: str) -> str:
    """By how much less a step takes with the functions of this cell."""
    cost = _cost(folder, engine, cell)
    return _more(Estimate(2 - cost.value, 2 - cost.high, 2 - cost.low), f"{engine} takes no less time at {cell}")


def _more(cost: Estimate, otherwise: str) -> str:
    if cost.low <= 1:
        raise UntrueError(otherwise)
    margin = max(cost.high - cost.value, cost.value - cost.low)
    return f"{100 * (cost.value - 1):.0f} % (±{100 * margin:.0f})"


def _comparison(folder: str, cell: str) -> Comparison:
    record = published.race(folder, cell)
    return next(one for one in comparisons(published.records(folder)) if record in one.records)


def _cost(folder: str, engine: str, cell: str) -> Estimate:
    record = published.race(folder, cell)
    published.result(record, engine)
    cost = _comparison(folder, cell).cost(record, engine)
    assert cost is not None
    return cost
