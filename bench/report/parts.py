"""What a step's seconds go to, in words and as data: calls, passes and products, measured or fitted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import pandas as pd

from ..analysis.shares import TOO_MUCH
from . import numbers
from .answer import listed

COLUMNS = {"calls": "calls_share", "passes": "passes_share", "products": "products_share"}
"""The parts of a step in the order in which they are shown, and the columns of a frame that have their shares."""
COLOURS = {"calls": "#e08214", "passes": "#b2abd2", "products": "#5e3c99"}
MEANING = (
    "A step's time is split in three. Calls: what the interpreter and its libraries take to be told what to do, "
    "whatever the size of the arrays. Products: the multiplications of matrices, which are the mathematics. Passes: "
    "all that goes through memory besides, for activations, slopes, sums and the update of the parameters."
)
HOW = {
    "measured": (
        "Measured: the calls are what the same engine takes on a network as deep with one unit a layer, raced beside "
        "it; the products are raced alone, in their fastest form, and of an engine that sends samples through one by "
        "one they are those of one sample, as often; the passes are what is left, with what products in a slower form "
        "cost. Where calls and products, each raced for itself, take more than the whole, they share it. No part has "
        "an interval of its own."
    ),
    "fitted": (
        "Fitted: in these cells nobody timed the parts one by one, or together they took more than "
        f"{TOO_MUCH:g} times the whole, and so do not explain it; the shares are the cost model's, of the time that "
        "was measured."
    ),
}
NOTABLE = 0.1  # of all that a change moves: less is not told
SLIGHT = 0.01  # of the same: what comes is told above this, or it would seem that more than what goes was gained


class Split(NamedTuple):
    """The seconds of a step by what they go to, and how that is known: measured or fitted."""

    calls: float
    passes: float
    products: float
    known: str

    @property
    def seconds(self) -> dict[str, float]:
        """By the parts' names, in order."""
        return dict(zip(COLUMNS, self[:3], strict=True))


def of_row(row: Any) -> Split | None:
    """Those of a row of the frame, as a mapping; None where they are not known."""
    taken = row["seconds_per_step"]
    shares = [row[column] for column in COLUMNS.values()]
    if any(pd.isna(value) for value in (taken, *shares)):
        return None
    calls, passes, products = (share * taken for share in shares)
    return Split(calls, passes, products, row["shares_are"])


def of_cell(rows: pd.DataFrame, machine: str, cell: str) -> dict[str, Split]:
    """Those of each engine in a cell, as far as they are known."""
    own = rows[(rows["machine"] == machine) & (rows["cell"] == cell)].to_dict("records")
    return {row["engine"]: parts for row in own if (parts := of_row(row))}


def moved(before: Split, after: Split) -> dict[str, float]:
    """The seconds of each part that a change removed; below zero what it added."""
    return {name: before.seconds[name] - after.seconds[name] for name in COLUMNS}


def notable(change: dict[str, float]) -> list[str]:
    """The parts of which a change removed enough to tell."""
    return [name for name, seconds in change.items() if seconds > NOTABLE * _of_all(change)]


def in_words(change: dict[str, float]) -> str:
    """What a change removed and what it added: "152 us of calls and 148 us of products go"."""
    gone = [f"{numbers.seconds(change[name])} of {name}" for name in notable(change)]
    least = SLIGHT * _of_all(change)
    come = [f"{numbers.seconds(-seconds)} of {name}" for name, seconds in change.items() if -seconds > least]
    told = [f"{listed(gone)} go"] if gone else []
    return ", ".join([*told, *([f"{listed(come)} come"] if come else [])])


def _of_all(change: dict[str, float]) -> float:
    return sum(map(abs, change.values()))


def known(found: Iterable[Split]) -> list[str]:
    """How these are known, each way once, the measured first."""
    ways = {parts.known for parts in found}
    return [way for way in HOW if way in ways]


def how(rows: pd.DataFrame) -> str:
    """How the shares of these rows are known: "measured", "fitted", or both."""
    return " and ".join(way for way in HOW if (rows["shares_are"] == way).any())
