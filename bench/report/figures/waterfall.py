"""The waterfall: one cell from the first rung of the ladder down to the floor, a bar for each change, peers beside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...analysis.ladder import Ladder, Rung, between
from ...cells.cell import format_sizes
from .. import numbers
from ..machines import placed
from .axes import foot, log_ticks, title
from .style import style

STEM = "waterfall"
COLOURS = {"start": "0.75", "faster": "#5e3c99", "slower": "#e08214", "floor": "0.35"}


def draw(ladder: Ladder, place: str, note: str, titled: bool = True) -> Figure:
    """Time against engine, logarithmic: so a bar's length is the factor of its change.

    place is the letter of the machine where there are several, else empty; note is the footnote. One that
    is not titled has what it shows, `finding` and `setting`, beside it.
    """
    shown = [*ladder.rungs, *([ladder.floor] if ladder.floor else [])]
    places = {rung.name: float(place) for place, rung in enumerate(shown)}
    places |= {rung.name: len(shown) + 0.6 + place for place, rung in enumerate(ladder.beside)}
    levels = {rung.name: rung.seconds.value for rung in (*shown, *ladder.beside)}
    top, bottom = 2.2 * max(levels.values()), 0.6 * min(levels.values())
    with style():
        figure = Figure(figsize=(max(8.0, 1.25 * len(levels) + 1.5), 6.2), layout="constrained")
        axes = figure.subplots()
        axes.set_yscale("log")
        axes.set_ylim(bottom, top)
        axes.set_xlim(-0.6, max(places.values()) + 0.6)
        for rung in (*shown, *ladder.beside):
            base = levels.get(rung.base or "", bottom)
            _bar(axes, rung, places[rung.name], base, _colour(rung, ladder), rung in ladder.beside)
            if rung.base and rung not in ladder.beside:
                _step_down(axes, places[rung.base], places[rung.name], base)
        if ladder.beside:
            first = places[ladder.beside[0].name]
            axes.hlines(ladder.fastest.seconds.value, first - 0.5, max(places.values()) + 0.5, color="0.4", lw=0.8)
            axes.axvline(first - 0.8, color="0.8", lw=1)
            axes.text(
                first - 0.6,
                top,
                f"beside it, their time over {ladder.fastest.name}'s",
                va="top",
                color="0.35",
                fontsize=9,
            )
        axes.text(-0.55, top, "the ladder, each against the one it changes", va="top", color="0.35", fontsize=9)
        axes.set_xticks(list(places.values()), list(places), fontsize=9)
        axes.tick_params(axis="x", length=0)
        log_ticks(axes.yaxis, numbers.seconds)
        axes.set_ylabel("a step (logarithmic: the length of a bar is its factor)")
        if titled:
            title(axes, finding(ladder), setting(ladder, place))
        foot(figure, note)
    return figure


def finding(ladder: Ladder) -> str:
    """What it shows, in words."""
    first, fastest = ladder.rungs[0].name, ladder.fastest.name
    gain = between(ladder.record, first, fastest)
    told = f"{numbers.factor(gain.value)} from {first} to {fastest}" if gain else fastest
    if ladder.floor and ladder.floor.factor:
        told += f", {numbers.factor(ladder.floor.factor.value)} above the floor"
    return told


def setting(ladder: Ladder, place: str) -> str:
    """Where that holds."""
    cell = ladder.record.cell
    sizes, mflop = format_sizes(cell.sizes), f"{cell.flops / 1e6:.3g} MFLOP a step"
    return placed(f"{sizes}, batch {cell.batch}; {'; '.join(ladder.record.setting.told)}; {mflop}", place)


def _colour(rung: Rung, ladder: Ladder) -> str:
    if rung.factor is None:
        return COLOURS["start"]
    if rung is ladder.floor:
        return COLOURS["floor"]
    return COLOURS["faster" if rung.factor.value >= 1 else "slower"]


def _bar(axes: Axes, rung: Rung, place: float, base: float, colour: str, is_beside: bool) -> None:
    own = rung.seconds.value
    axes.bar(place, own - base, bottom=base, width=0.62, color=colour, zorder=2)
    lines, low, high = [], own, own
    if rung.factor:
        low, high = min(own, base / rung.factor.high), max(own, base / rung.factor.low)
        axes.errorbar(place, own, yerr=[[own - low], [high - own]], color="black", lw=1.2, capsize=3, zorder=3)
        told = rung.factor.inverse if is_beside else rung.factor
        lines = [numbers.factor(told.value), numbers.interval(told.low, told.high)]
    if own >= base:
        lines.append(numbers.seconds(own))
    else:
        _write(axes, place, low, [numbers.seconds(own)], below=True)
    _write(axes, place, max(high, base), lines)


def _write(axes: Axes, place: float, height: float, lines: Sequence[str], below: bool = False) -> None:
    """Lines of text above or below a height, the first in bold where there are several."""
    style: dict[str, Any] = {"ha": "center", "textcoords": "offset points", "zorder": 4}
    for number, line in enumerate(lines if below else reversed(lines)):
        bold = line == lines[0] and len(lines) > 1
        offset = (0, -5 if below else 4 + 11 * number)
        axes.annotate(
            line,
            (place, height),
            xytext=offset,
            va="top" if below else "bottom",
            fontsize=11 if bold else 8.5,
            fontweight="bold" if bold else "normal",
            **style,
        )


def _step_down(axes: Axes, start: float, end: float, height: float) -> None:
    """The level of the engine that this one changes, carried over to its bar."""
    axes.hlines(height, start + 0.31, end + 0.31, color="0.4", lw=0.8, zorder=1)
