"""What each change down the ladder removed and added: a bar is as long as the step before it and what is new in it."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, NamedTuple

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
    return Panel(
        "", finding, placed(setting, place), partial(_draw, top, shown, split), (WIDTH, ROW * len(shown) + 0.5)
    )


def _draw(top: Ladder, shown: list[Rung], split: dict[str, Split], axes: Axes) -> None:
    bars = [_change(top, rung, split) for rung in shown]
    longest = max(1.0, *(bar.end for bar in bars))
    for place, (rung, bar) in enumerate(zip(shown, bars, strict=True)):
        is_next = place > 0 and rung.base == shown[place - 1].name
        _bar(axes, place, bar)
        _words(axes, place, rung, split, is_next, longest)
        if is_next:
            _zoom(axes, place, shown[place - 1], split)
    axes.set_xlim(0, longest)
    axes.set_ylim(len(shown) - 0.6, -0.75)
    axes.set_axis_off()
    marks: list[Patch | Line2D] = [Patch(color=colour, label=name) for name, colour in COLOURS.items()]
    marks.append(Patch(facecolor="0.85", edgecolor="0.85", label="faint: gone"))
    if any(seconds < 0 for bar in bars for seconds in bar.moved.values()):
        marks.append(Patch(facecolor="white", edgecolor="0.4", lw=1.2, label="outlined: new"))
    if longest > 1:
        marks.append(Line2D([], [], color="0.3", lw=0.8, label="end of the step before"))
    axes.legend(
        handles=marks, loc="upper center", bbox_to_anchor=(0.5, 0.01), ncols=4 if len(marks) == 4 else 3, frameon=False,
        fontsize=9, handlelength=1, columnspacing=1.2,
    )  # fmt: skip


class _Change(NamedTuple):
    """A step and the one before it, in seconds, and what goes from the one to the other: see `parts.moved`."""

    before: float
    own: dict[str, float]
    moved: dict[str, float]

    @property
    def end(self) -> float:
        """Where its bar ends, in steps before: with what is new after all that was there."""
        if not self.moved:
            return sum(self.own.values()) / self.before
        return 1 + sum(max(0.0, -seconds) for seconds in self.moved.values()) / self.before


def _change(top: Ladder, rung: Rung, split: dict[str, Split]) -> _Change:
    own, before = split[rung.name], split.get(rung.base or "", split[rung.name])
    moved = parts.moved(top.record, rung.factor, before, own) if rung.factor else {}
    return _Change(sum(before.seconds.values()), own.seconds, moved)


def _bar(axes: Axes, place: int, bar: _Change) -> None:
    """What was there and is left of each part, and what is new of it; then what is gone of each. In steps before.

    What is gone and not worth telling has no colour of a part.
    """
    pieces: list[tuple[str, float, Look]] = []
    for name, seconds in bar.own.items():
        new = max(0.0, -bar.moved.get(name, 0.0))
        pieces += [(name, seconds - new, "left"), (name, new, "new")]
    pieces += [(name, seconds, "gone") for name, seconds in bar.moved.items()]
    end = 0.0
    for name, seconds, look in pieces:
        length = min(seconds / bar.before, bar.end - end)  # of all, noise in what is not told may be too much
        if length > 0:
            _piece(axes, place, end, length, name, SIGNS[look] + numbers.seconds(seconds), look)
            end += length
    if end < bar.end:
        axes.barh(place, bar.end - end, left=end, height=HEIGHT, facecolor="0.85", edgecolor="white", lw=0.5)
    if bar.end > 1:
        axes.plot([1, 1], [place - HEIGHT / 2, place + HEIGHT / 2], color="0.3", lw=0.8)


def _words(axes: Axes, place: int, rung: Rung, split: dict[str, Split], is_next: bool, longest: float) -> None:
    """What stands above a bar: the engine with its time, and its factor with how the parts are known."""
    ways = " and ".join(parts.known(split[name] for name in (rung.base, rung.name) if name in split))
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
