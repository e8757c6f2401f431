"""What a step's seconds go to, in words and as data: calls, passes and products, measured or fitted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import pandas as pd

from ..analysis import speedups
from ..analysis.intervals import Estimate
from ..analysis.shares import TOO_MUCH
from ..records.record import Record
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
        "Measured: calls and products are raced, beside the engine; passes are the rest. The calls are what the same "
        "engine takes on a network as deep with one unit a layer. The products are raced alone, in their fastest form: "
        "those of the whole batch, or, for an engine that sends samples through one by one, those of one sample times "
        "the samples. Products that an engine makes in a slower form are among its passes. Where calls and products "
        "together come out longer than the step, both are shortened to fit it, and no passes are left. No part has an "
        "interval of its own."
    ),
    "fitted": (
        "Fitted: in these cells nobody timed the parts one by one, or together they took more than "
        f"{TOO_MUCH:g} times the whole, and so do not explain it; the shares are the cost model's, of the time that "
        "was measured."
    ),
}
NOTABLE = 0.05  # of all that a change moves, whether it goes or comes: less is not told


class Split(NamedTuple):
    """The seconds of a step by what they go to, and how that is known: measured or fitted.

    at_once is whether the batch is known to go through at once: then its products are the floor's.
    """

    calls: float
    passes: float
    products: float
    known: str
    at_once: bool

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
    return Split(calls, passes, products, row["shares_are"], bool(row["at_once"]))


def of_cell(rows: pd.DataFrame, machine: str, cell: str) -> dict[str, Split]:
    """Those of each engine in a cell, as far as they are known."""
    own = rows[(rows["machine"] == machine) & (rows["cell"] == cell)].to_dict("records")
    return {row["engine"]: parts for row in own if (parts := of_row(row))}


def moved(record: Record, factor: Estimate, before: Split, after: Split) -> dict[str, float]:
    """The seconds of each part that goes with a change; below zero of one that comes. This decides what is told.

    Nothing moves where no difference was resolved, nor what is less than NOTABLE of all that moves. Products are the
    same where both engines send the batch through at once: what they differ by is noise.
    """
    if not speedups.resolved(record, factor):
        return {}
    change = {name: before.seconds[name] - after.seconds[name] for name in COLUMNS}
    if before.at_once and after.at_once:
        del change["products"]
    whole = sum(map(abs, change.values()))
    return {name: seconds for name, seconds in change.items() if seconds and abs(seconds) >= NOTABLE * whole}


def in_words(change: dict[str, float]) -> str:
    """What goes and what comes: "152 us of calls and 148 us of products go"."""
    gone = [f"{numbers.seconds(seconds)} of {name}" for name, seconds in change.items() if seconds > 0]
    come = [f"{numbers.seconds(-seconds)} of {name}" for name, seconds in change.items() if seconds < 0]
    return ", ".join(f"{listed(own)} {verb}" for own, verb in ((gone, "go"), (come, "come")) if own) or (
        "no part stands out"
    )


def ways(split: dict[str, Split]) -> str:
    """How the parts of these engines are known, each engine's by its name where they are not known alike."""
    if len({own.known for own in split.values()}) == 1:
        return next(iter(split.values())).known
    return listed([f"those of {name} {own.known}" for name, own in split.items()])


def known(found: Iterable[Split]) -> list[str]:
    """How these are known, each way once, the measured first."""
    ways = {parts.known for parts in found}
    return [way for way in HOW if way in ways]


def how(rows: pd.DataFrame) -> str:
    """How the shares of these rows are known: "measured", "fitted", or both."""
    return " and ".join(way for way in HOW if (rows["shares_are"] == way).any())
