"""The picture of the claims: what was claimed against what it is here, a line a claim, over a logarithmic factor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..report import numbers
from ..report.figures.axes import foot, log_ticks
from ..report.figures.style import style
from .table import said, told
from .verdict import DEPENDS, HOLDS, LARGER, SMALLER, TOLERANCE, UNCLEAR, Verdict

COLOURS = {HOLDS: "#1b7837", SMALLER: "#b35806", LARGER: "#5e3c99", DEPENDS: "#2166ac"}
OTHER = "0.4"
IN_WORDS = {  # of one, and of several
    HOLDS: ("holds", "hold"),
    SMALLER: ("is smaller here", "are smaller here"),
    LARGER: ("is larger here", "are larger here"),
    DEPENDS: ("depends", "depend"),
    UNCLEAR: ("can't be told", "can't be told"),
}
SPREAD = 0.16  # of the places of one claim, in lines
ROOM = 1.6  # beyond the outermost factor, or end of an interval
WIDEST = 10.0  # of an interval, how far from its factor it is always seen


def draw(judged: Sequence[Verdict], note: str = "") -> Figure | None:
    """A hollow mark where it was claimed, a full one with its interval for each place here; None without any.

    With a note it stands alone, and has its finding as a title and the note at its foot; in a page both are beside it.
    """
    shown = [one for one in judged if one.points]
    if not shown:
        return None
    with style():
        figure = Figure(figsize=(10.5, 1.5 + 0.42 * len(shown)), layout="constrained")
        axes = figure.subplots()
        axes.set_xscale("log")
        axes.set_xlim(*_ends(shown))
        axes.axvline(1, color="0.8", lw=1, zorder=0)
        for place, one in enumerate(shown):
            _line(axes, place, one)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.set_yticks(range(len(shown)), [one.claim.title for one in shown], fontsize=9)
        axes.tick_params(axis="y", length=0)
        log_ticks(axes.xaxis, lambda value: f"{value:g}x", fine=200)
        axes.set_xlabel(f"hollow: the factor claimed, give or take {TOLERANCE:g}x; full: here, with its 95 % interval")
        if note:
            figure.suptitle(finding(judged), x=0.01, ha="left", fontsize=11.5, fontweight="bold")
            foot(figure, note)
    return figure


def finding(judged: Sequence[Verdict]) -> str:
    """What became of the claims, in a line: of those that are judged."""
    shown = [one for one in judged if one.word in IN_WORDS]
    words = [one.word for one in shown]
    told = [f"{number} {forms[number > 1]}" for word, forms in IN_WORDS.items() if (number := words.count(word))]
    if not told:
        return "No claim that can be judged was raced"
    if partly := sum(bool(one.missing) for one in shown):
        told.append(f"{partly} {'were' if partly > 1 else 'was'} raced in part")
    return f"Of {len(words)} published {'claims' if len(words) > 1 else 'claim'}, {', '.join(told)}"


def _line(axes: Axes, place: float, one: Verdict) -> None:
    colour = COLOURS.get(one.word, OTHER)
    if one.claim.span:
        low, high = one.claim.span
        axes.plot(
            [low / TOLERANCE, high * TOLERANCE],
            [place] * 2,
            color="0.5",
            alpha=0.25,
            lw=9,
            solid_capstyle="butt",
            zorder=1,
        )
        axes.plot([low, high], [place] * 2, "D-", color="0.35", mfc="white", ms=7, lw=1.2, zorder=2)
    values = [point.factor.value for point in one.points]
    heights = place + (np.linspace(-SPREAD, SPREAD, len(values)) if len(values) > 1 else np.zeros(1))
    axes.plot(values, heights, "o-", color=colour, ms=5, lw=0.8, zorder=3)
    for point, height in zip(one.points, heights, strict=True):
        low, high = (min(max(end, 1e-9), 1e9) for end in (point.factor.low, point.factor.high))
        axes.plot([low, high], [height] * 2, color=colour, lw=2.5, zorder=3)
    for which in (0, -1) if len(values) > 1 else ():
        axes.annotate(
            one.points[which].place,
            (values[which], heights[which]),
            xytext=(0, -9 if which else 5),
            textcoords="offset points",
            ha="center",
            fontsize=6.5,
            color=colour,
        )
    text = f"{said(one.claim)}: {told(one)}"
    if len(values) == 1:
        text = f"{text} ({numbers.factor(values[0])})"
    axes.text(1.01, place, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8.5, color=colour)


def _ends(shown: Sequence[Verdict]) -> tuple[float, float]:
    factors = [point.factor for one in shown for point in one.points]
    every = [max(found.low, found.value / WIDEST) for found in factors]
    every += [min(found.high, found.value * WIDEST) for found in factors]
    every += [end for one in shown for end in one.claim.span or ()]
    return min(every) / ROOM, max(every) * ROOM
