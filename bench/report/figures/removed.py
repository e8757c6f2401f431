"""What each change down the ladder removed and added: a bar is as long as the step before it and what is new in it."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon

from ...analysis.ladder import Ladder, Rung, between
from ...cells.cell import format_sizes
from .. import numbers, parts
from ..machines import letters, placed
from ..parts import COLOURS, Split
from .panels import Panel

STEM = "removed"
HEIGHT = 0.36  # of a bar; from one to the next it is 1
FAINT = 0.3
WIDTH, ROW = 4.4, 0.75  # inches: of the panel alone; of a bar with what is written above it
SIGNS = {"left": "", "new": "+", "gone": "-"}
NARROW = 0.13  # of the width: a part as narrow is not written on

Look = Literal["left", "new", "gone"]


def panel(top: Ladder, rows: pd.DataFrame) -> Panel | None:
    """A bar for each rung, of its calls, passes and products; None where those of fewer than two rungs are known."""
    split = parts.of_cell(rows, top.record.environment.machine, top.record.cell.id)
    shown = [rung for rung in top.rungs if rung.name in split]
    if len(shown) < 2:
        return None
    first, last = shown[0].name, top.fastest.name
    gain = between(top.record, first, last)
    finding = f"nothing on the ladder is faster than {first} here"
    if gain and last != first:
        finding = f"{first} to {last}: {numbers.factor(gain.value)} as fast, and where that comes from"
    cell = top.record.cell
    setting = "; ".join([f"{format_sizes(cell.sizes)}, batch {cell.batch}", *top.record.setting.told])
    place = letters(rows["machine"])[top.record.environment.machine]
    return Panel("", finding, placed(setting, place), partial(_draw, shown, split), (WIDTH, ROW * len(shown) + 0.5))


def _draw(shown: list[Rung], split: dict[str, Split], axes: Axes) -> None:
    bars = [(split.get(rung.base or "", split[rung.name]), split[rung.name]) for rung in shown]
    longest = max(1.0, *(1 + _new(before, own) / sum(before.seconds.values()) for before, own in bars))
    for place, (rung, (before, own)) in enumerate(zip(shown, bars, strict=True)):
        is_next = place > 0 and rung.base == shown[place - 1].name
        _bar(axes, place, before, own)
        _words(axes, place, rung, (before, own), is_next, longest)
        if is_next:
            _zoom(axes, place, shown[place - 1], split)
    axes.set_xlim(0, longest)
    axes.set_ylim(len(shown) - 0.6, -0.75)
    axes.set_axis_off()
    marks: list[Patch | Line2D] = [Patch(color=colour, label=name) for name, colour in COLOURS.items()]
    marks.append(Patch(facecolor="0.85", edgecolor="0.85", label="faint: gone"))
    if longest > 1:
        marks.append(Patch(facecolor="white", edgecolor="0.4", lw=1.2, label="outlined: new"))
        marks.append(Line2D([], [], color="0.3", lw=0.8, label="end of the step before"))
    axes.legend(
        handles=marks, loc="upper center", bbox_to_anchor=(0.5, 0.01), ncols=3 if longest > 1 else 4, frameon=False,
        fontsize=9, handlelength=1, columnspacing=1.2,
    )  # fmt: skip


def _new(before: Split, own: Split) -> float:
    """The seconds that a change added."""
    return sum(max(0.0, -seconds) for seconds in parts.moved(before, own).values())


def _bar(axes: Axes, place: int, before: Split, own: Split) -> None:
    """What was there and is left of each part, and what is new of it; then what is gone of each. In steps before."""
    whole = sum(before.seconds.values())
    moved = parts.moved(before, own)
    pieces: list[tuple[str, float, Look]] = []
    for name, seconds in own.seconds.items():
        new = max(0.0, -moved[name])
        pieces += [(name, seconds - new, "left"), (name, new, "new")]
    pieces += [(name, seconds, "gone") for name, seconds in moved.items()]
    end = 0.0
    for name, seconds, look in pieces:
        if seconds > 0:
            _piece(axes, place, end, seconds / whole, name, SIGNS[look] + numbers.seconds(seconds), look)
            end += seconds / whole
    if _new(before, own) > 0:
        axes.plot([1, 1], [place - HEIGHT / 2, place + HEIGHT / 2], color="0.3", lw=0.8)


def _words(axes: Axes, place: int, rung: Rung, own: tuple[Split, Split], is_next: bool, longest: float) -> None:
    """What stands above a bar: the engine with its time, and its factor with how the parts are known."""
    ways = " and ".join(parts.known(own))
    base = "" if is_next else f" as {rung.base}"  # the bar above is its base's, where nothing is said
    factor = f"{numbers.factor(rung.factor.value)} as fast{base}, {ways}" if rung.factor else ways
    above: dict[str, Any] = {"va": "bottom", "fontsize": 9, "xytext": (0, 3), "textcoords": "offset points"}
    top = place - HEIGHT / 2
    axes.annotate(f"{rung.name}: {numbers.seconds(rung.seconds.value)}", (0, top), weight="bold", **above)
    axes.annotate(factor, (longest, top), ha="right", color="0.35", **above)


def _piece(axes: Axes, place: int, start: float, share: float, name: str, told: str, look: Look) -> None:
    colour = COLOURS[name]
    drawn: dict[str, Any] = {
        "left": {"facecolor": colour, "edgecolor": "white", "lw": 0.5},
        "new": {"facecolor": "white", "edgecolor": colour, "lw": 1.2},
        "gone": {"facecolor": (colour, FAINT), "edgecolor": "white", "lw": 0.5},
    }[look]
    axes.barh(place, share, left=start, height=HEIGHT, **drawn)
    if share > NARROW:
        ink = "white" if name == "products" and look == "left" else "black"
        axes.text(start + share / 2, place, told, ha="center", va="center", fontsize=8.5, color=ink)


def _zoom(axes: Axes, place: int, before: Rung, split: dict[str, Split]) -> None:
    """From the end of what is left of the step before to the whole length of this one's bar."""
    base = split.get(before.base or "", split[before.name])
    end = sum(split[before.name].seconds.values()) / sum(base.seconds.values())
    high, low = place - 1 + HEIGHT / 2, place - HEIGHT / 2
    axes.add_patch(Polygon([(0, high), (end, high), (1, low), (0, low)], facecolor="0.94", edgecolor="none", zorder=0))
