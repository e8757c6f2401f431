"""The roofline: a dot for each cell and engine, under what the machine does at the most."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import atan, degrees, isnan
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from ...analysis.roofline import Roofs, roofs
from .. import numbers
from .. import roofline as words
from .axes import engine_colours, engine_marks, log_ticks
from .panels import PANELS, Panel, figure_of, in_figures
from .save import Draw

UNIT = 1e9  # flops and bytes: by numbers much larger a line's angle can't be told
ABOVE = 1.1  # times as high as its line is a label


def draw(grid: pd.DataFrame, note: str) -> Iterator[tuple[str, Draw]]:
    """A figure of as many panels as fit, under its file's name; a second one has -2 in it."""
    for name, part in in_figures(words.STEM, list(panels(grid)), PANELS[0]):
        yield name, partial(figure_of, part, note)


def panels(grid: pd.DataFrame) -> Iterator[Panel]:
    """One for each machine, dtype and number of threads whose roofs are known; an engine's colour is that of all."""
    colours, marks = engine_colours(grid["engine"]), engine_marks(grid["engine"])
    for top, part in roofs(grid):
        setting = words.setting(top, part["place"].iloc[0])
        yield Panel("", words.finding(top, part), setting, partial(_panel, top, part, colours, marks))


def _panel(top: Roofs, part: pd.DataFrame, colours: dict[str, Any], marks: dict[str, str], axes: Axes) -> None:
    axes.set(xscale="log", yscale="log")
    ridge, peak = top.flops_per_second / top.copy_bytes_per_second, top.flops_per_second
    left, right = 0.3 * min(part["flops_per_byte"].min(), ridge), 2 * max(part["flops_per_byte"].max(), ridge)
    reached = part["flops_per_second"] / UNIT
    axes.set_xlim(left, right)
    axes.set_ylim(0.5 * reached.min(), 2 * max(reached.max(), peak / UNIT))
    _roofs(axes, top, left, right)
    for engine, own in part.groupby("engine", sort=False):
        style: dict[str, Any] = {"ms": 4.5, "alpha": 0.8, "mew": 0, "color": colours[engine], "label": engine}
        axes.plot(own["flops_per_byte"], reached[own.index], marks[engine], **style)
    log_ticks(axes.xaxis, "{:g}".format, fine=1e4)
    log_ticks(axes.yaxis, "{:g}".format)
    axes.set_xlabel("flops per byte that a step must move")
    axes.set_ylabel("products of a step, Gflop/s")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=4, frameon=False, fontsize=9, handletextpad=0.2)


def _roofs(axes: Axes, top: Roofs, left: float, right: float) -> None:
    """The three lines, each with its label along it, before the dots."""
    peak = top.flops_per_second / UNIT
    line: dict[str, Any] = {"color": "0.25", "lw": 1.4, "zorder": 4.5}
    ground = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
    label: dict[str, Any] = {"fontsize": 8.5, "color": "0.25", "zorder": 4, "bbox": ground}
    told = f"products: {numbers.rate(top.flops_per_second, 'flop')}"
    axes.text(right, ABOVE * peak, f"{told} ", ha="right", **label)
    copies = {
        f"copy of {numbers.size(top.copied_bytes / 2)}": (top.copy_bytes_per_second / UNIT, "-"),
        "copy in L2": (top.cache_bytes_per_second / UNIT, "--"),
    }
    known = {name: copy for name, copy in copies.items() if not isnan(copy[0])}
    for name, (slope, style) in known.items():
        axes.plot([left, peak / slope], [slope * left, peak], ls=style, **line)
        told, start, higher = f"{name}: {numbers.rate(slope * UNIT, 'B')}", 1.06 * left, ABOVE * slope
        along: dict[str, Any] = {"rotation": degrees(atan(higher)), "rotation_mode": "anchor"}
        axes.text(start, start * higher, told, transform_rotates_text=True, **along, **label)
    axes.plot([peak / max(slope for slope, _ in known.values()), right], [peak, peak], **line)
