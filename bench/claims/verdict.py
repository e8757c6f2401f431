"""One word for a claim: what it says, set against what the records of this machine say.

Claims are told in round numbers, and by other machines: a factor of two is one of 1.6 to 2.5 here. So a claim *holds*
where the factor found lies within what was claimed, with this tolerance at both ends, and its interval is no wider than
that; one that there is no difference, where the whole interval lies as near to 1. It is smaller or larger here where
the whole interval lies beyond. Any other *can't tell*. *Not judged* is what was told without a figure, or of something
else than what is raced here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..analysis import speedups
from ..analysis.intervals import Estimate
from ..records.record import Record, Result
from .claim import Arm, Claim, Comparison

TOLERANCE = 1.25  # of a factor, either way

HOLDS, SMALLER, LARGER, DEPENDS = "holds", "smaller here", "larger here", "depends"
UNCLEAR, NOT_JUDGED, LEFT_OUT = "can't tell", "not judged", "left out"


@dataclass(frozen=True)
class Point:
    """What is found at one place of a claim: the time of the slow one over the fast one's, for each sample."""

    place: str
    factor: Estimate
    word: str


@dataclass(frozen=True)
class Verdict:
    """What becomes of a claim: a word, and where it depends the places between which it holds.

    missing has the places that have no time, or "" for a claim that has one place; why, the reasons.
    """

    claim: Claim
    points: Sequence[Point]
    word: str
    between: str = ""
    missing: Sequence[str] = ()
    why: str = ""


def verdicts(claims: Iterable[Claim], found: Sequence[Record], left_out: dict[str, str]) -> list[Verdict]:
    """The verdict on each claim, in order. left_out has those that were not raced, with the reason."""
    return [verdict(claim, found, left_out.get(claim.name)) for claim in claims]


def verdict(claim: Claim, found: Sequence[Record], why: str | None = None) -> Verdict:
    """The verdict on a claim by these records; why is the reason where it was not raced."""
    if why:
        return Verdict(claim, [], LEFT_OUT, why=why)
    points, reasons = [], {}
    for comparison in claim.comparisons():
        told = factor(found, comparison)
        if isinstance(told, Estimate):
            points.append(Point(comparison.place, told, word(claim, told)))
        else:
            reasons[comparison.place] = told
    clear = [point for point in points if point.word != UNCLEAR]
    words = {point.word for point in clear}
    if not points:
        told_of, between = LEFT_OUT, ""
    elif len(words) > 1:
        told_of, between = DEPENDS, _between(clear)
    else:
        told_of, between = words.pop() if len(clear) == len(points) else UNCLEAR, ""
    return Verdict(claim, points, told_of, between, list(reasons), "; ".join(dict.fromkeys(reasons.values())))


def outcome(claims: Sequence[Claim], record: Record) -> str:
    """What a race says of these claims, in a few words, and who has no time in it, with the reason."""
    told = [
        " ".join(filter(None, (claim.name, one.place, f"{found.value:.3g}x")))
        for claim in claims
        for one in claim.comparisons()
        if isinstance(found := factor([record], one), Estimate)
    ]
    lost = [one for one in (*record.contestants, *record.elsewhere) if one.left_out]
    told += [f"{one.name} {'FAILED' if one.failed else 'left out'}: {one.left_out}" for one in lost]
    return ", ".join(told) or "left out"


def factor(found: Sequence[Record], comparison: Comparison) -> Estimate | str:
    """How many times as long the slow one takes for a sample, by the record of both; or why that is not known."""
    slow, fast = comparison.slow, comparison.fast
    for record in found:
        pair = [_result(record, one) for one in (slow, fast)]
        if record.cell == slow.cell and pair[0] and pair[1]:
            told = speedups.factor(record, pair[0], pair[1])
            if told is None:
                return "; ".join(f"{one.name}: {one.left_out}" for one in pair if one and one.left_out)
            each = fast.cell.batch / slow.cell.batch
            return Estimate(told.value * each, told.low * each, told.high * each)
    return "it was not raced"


def word(claim: Claim, told: Estimate) -> str:
    """The word for one place."""
    if claim.span is None or claim.unlike:
        return NOT_JUDGED
    low, high = claim.span[0] / TOLERANCE, claim.span[1] * TOLERANCE
    if told.low > high:
        return LARGER
    if told.high < low:
        return SMALLER
    within = low <= told.low and told.high <= high
    narrow = low <= told.value <= high and told.high * low <= high * told.low
    return HOLDS if within or (narrow and not claim.of_no_difference) else UNCLEAR


def _result(record: Record, wanted: Arm) -> Result | None:
    """The result of this engine in this cell: of one that is in a race twice, the second is called so."""
    return next(
        (
            result
            for result in (*record.contestants, *record.elsewhere)
            if result.name.partition("#")[0] == wanted.engine and (result.cell or record.cell) == wanted.cell
        ),
        None,
    )


def _between(points: Sequence[Point]) -> str:
    """Where a claim holds, of the places that can tell; or, where at none, the two between which it would."""
    held = [point.place for point in points if point.word == HOLDS]
    if held:
        return f"holds at {places(held)}"
    for one, other in itertools.pairwise(points):
        if {one.word, other.word} == {SMALLER, LARGER}:
            return f"between {one.place} and {_short(other.place)}"
    return ""


def places(several: Sequence[str]) -> str:
    """Places of a claim in words: batch 10, 100."""
    return ", ".join([*several[:1], *map(_short, several[1:])])


def _short(place: str) -> str:
    """A place after another one: 100, where that was batch 10."""
    return place.removeprefix("batch ")
