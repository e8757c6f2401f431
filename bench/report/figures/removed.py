"""What each change down the ladder removed: every bar is as long as the step before it, and its faint end is gone."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Polygon

from ...analysis.ladder import Ladder, Rung, between
from ...cells.cell import format_sizes
from .. import numbers, parts
from ..parts import COLOURS, Split
from .panels import Panel

STEM = "removed"
HEIGHT = 0.36  # of a bar; from one to the next it is 1
FAINT = 0.3
WIDTH, ROW = 4.4, 0.75  # inches: of the panel alone; of a bar with what is written above it
NARROW = 0.13  # of the width: a part as narrow is not written on


def panel(top: Ladder, rows: pd.DataFrame) -> Panel | None:
    """A bar for each rung, of its calls, passes and products; None where those of fewer than two rungs are known."""
    split = parts.of_cell(rows, top.record.environment.machine, top.record.cell.id)
    shown = [rung for rung in top.rungs if rung.name in split]
    if len(shown) < 2:
        return None
    first, last = shown[0].name, top.fastest.name
    gain = between(top.record, first, last)
    finding = f"{first} to {last}: {numbers.factor(gain.value)} as fast, and where that comes from" if gain else first
    cell = top.record.cell
    setting = "; ".join([f"{format_sizes(cell.sizes)}, batch {cell.batch}", *top.record.setting.told])
    return Panel("", finding, setting, partial(_draw, shown, split), (WIDTH, ROW * len(shown) + 0.5))


def _draw(shown: list[Rung], split: dict[str, Split], axes: Axes) -> None:
    longest = 1.0
    for place, rung in enumerate(shown):
        own = split[rung.name]
        before = split.get(rung.base or "", own)
        is_next = place > 0 and rung.base == shown[place - 1].name
        longest = max(longest, _bar(axes, place, rung, before, own, is_next))
        if is_next:
            _zoom(axes, place, shown[place - 1], split)
    axes.set_xlim(0, longest)
    axes.set_ylim(len(shown) - 0.6, -0.75)
    axes.set_axis_off()
    marks = [Patch(color=colour, label=name) for name, colour in COLOURS.items()]
    marks.append(Patch(facecolor="0.85", edgecolor="0.6", hatch="////", lw=0, label="faint: gone"))
    axes.legend(
        handles=marks, loc="upper center", bbox_to_anchor=(0.5, 0.01), ncols=4, frameon=False, fontsize=9,
        handlelength=1, columnspacing=1.2,
    )  # fmt: skip


def _bar(axes: Axes, place: int, rung: Rung, before: Split, own: Split, is_next: bool) -> float:
    """What is left of each part, then what is gone of each; returns where it ends, in lengths of the step before."""
    whole = sum(before.seconds.values())
    end = 0.0
    for name, seconds in own.seconds.items():
        _part(axes, place, end, seconds / whole, name, numbers.seconds(seconds))
        end += seconds / whole
    gone = {name: seconds for name, seconds in parts.moved(before, own).items() if seconds > 0}
    for name, seconds in gone.items():
        _part(axes, place, end, seconds / whole, name, f"-{numbers.seconds(seconds)}", gone=True)
        end += seconds / whole
    ways = " and ".join(parts.known([before, own]))
    base = "" if is_next else f" as {rung.base}"  # the bar above is its base's, where nothing is said
    factor = f"{numbers.factor(rung.factor.value)} as fast{base}, {ways}" if rung.factor else ways
    above: dict[str, Any] = {"va": "bottom", "fontsize": 9, "xytext": (0, 3), "textcoords": "offset points"}
    top = place - HEIGHT / 2
    axes.annotate(f"{rung.name}: {numbers.seconds(rung.seconds.value)}", (0, top), weight="bold", **above)
    axes.annotate(factor, (1, top), ha="right", color="0.35", **above)
    return end


def _part(axes: Axes, place: int, start: float, share: float, name: str, told: str, gone: bool = False) -> None:
    colour = COLOURS[name]
    look: dict[str, Any] = {"facecolor": colour, "edgecolor": "white", "lw": 0.5}
    if gone:
        look = {"facecolor": (colour, FAINT), "edgecolor": colour, "lw": 0, "hatch": "////"}
    axes.barh(place, share, left=start, height=HEIGHT, **look)
    if share > NARROW:
        ink = "white" if name == "products" and not gone else "black"
        ground = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8} if gone else None
        middle = start + share / 2
        axes.text(middle, place, told, ha="center", va="center", fontsize=8.5, color=ink, bbox=ground)


def _zoom(axes: Axes, place: int, before: Rung, split: dict[str, Split]) -> None:
    """From the end of what is left of the step before to the whole length of this one's bar."""
    base = split.get(before.base or "", split[before.name])
    end = sum(split[before.name].seconds.values()) / sum(base.seconds.values())
    high, low = place - 1 + HEIGHT / 2, place - HEIGHT / 2
    axes.add_patch(Polygon([(0, high), (end, high), (1, low), (0, low)], facecolor="0.94", edgecolor="none", zorder=0))
