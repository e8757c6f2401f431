"""The claims of a folder as a table: the claim, what was said, what it is here, and a word."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from backprop import InputError

from ..records import store
from ..records.record import Record
from ..report import numbers
from ..report.document import Link, Table
from ..report.markdown import table as in_markdown
from .claim import Claim, published
from .run import FILE, Asked, asked_in
from .verdict import LEFT_OUT, Point, Verdict, places, verdicts

FEW = 2  # places of a claim that are all told; of more, the first and the last


def asked_of(folder: Path) -> Asked:
    """What claims a folder is about; InputError where it is about none."""
    if (asked := asked_in(folder)) is None:
        raise InputError(f"{folder} holds no {FILE}: give a folder that backprop-bench claims has written")
    return asked


def verdicts_of(asked: Asked, found: Sequence[Record]) -> list[Verdict]:
    """The verdict on each claim that was asked for, by these records."""
    return verdicts([claim for claim in published() if claim.name in asked.claims], found, asked.left_out)


def markdown(folder: Path) -> str:
    """The table of the folder's claims in Markdown, a line a claim that was raced, each linked to who made it."""
    judged = verdicts_of(asked_of(folder), store.load(folder)[0])
    return in_markdown(table([one for one in judged if one.word != LEFT_OUT]))


def table(judged: Sequence[Verdict]) -> Table:
    lines = [[Link.to(one.claim.title, one.claim.where), said(one.claim), here(one), told(one)] for one in judged]
    return Table(["claim", "said", "here (95 % interval)", "verdict"], lines, left=(0, 2, 3), wraps=(0, 1, 2, 3))


def said(claim: Claim) -> str:
    """The factor that was claimed."""
    if claim.span is None:
        return "no figure"
    if claim.of_no_difference:
        return "no difference"
    low, high = claim.span
    return figure(low) if low == high else f"{figure(low)[:-1]}-{figure(high)}"


def figure(value: float) -> str:
    """A claimed factor with the digits that it has: 2x, 3.45x."""
    return f"{value:g}x"


def here(one: Verdict) -> str:
    """The factors of this machine, with their intervals, and what is otherwise here."""
    told = [_at(numbers.estimate(point.factor), point) for point in one.points]
    factors = "; ".join(told) if len(told) <= FEW else f"{told[0]} to {told[-1]}"
    return "; ".join(filter(None, (factors, one.claim.otherwise, one.claim.unlike)))


def told(one: Verdict) -> str:
    """The word, and where it depends, on what; never without the places that it is not about."""
    word = f"{one.word}: {one.between}" if one.between else one.word
    return f"{word} ({places(one.missing)} left out)" if one.points and one.missing else word


def _at(text: str, point: Point) -> str:
    return f"{text} at {point.place}" if point.place else text
