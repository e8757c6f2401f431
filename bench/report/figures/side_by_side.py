"""Folders side by side: the speedup and the efficiency of each cell in one against those in another."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from .. import numbers
from ..machines import MOST_PICTURED
from .axes import engine_colours, foot, log_ticks
from .style import style

QUANTITIES = {"speedup": numbers.factor, "efficiency": "{:.0%}".format}


def draw(letters: dict[str, str], rows: pd.DataFrame) -> Figure:
    """Each of the first letters against the very first, a dot for each cell: on the diagonal where they agree.

    letters tell what each stands for; rows are of cells and engines, their columns QUANTITIES x letters.
    """
    first, *others = list(letters)[:MOST_PICTURED]
    shown = [quantity for quantity in QUANTITIES if quantity == "speedup" or rows[quantity].notna().all(axis=None)]
    colours = engine_colours(rows.index.get_level_values("engine"))
    with style():
        size = (5.2 * len(shown), 4.4 * len(others) + 0.6)
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(len(others), len(shown), squeeze=False)
        for column, quantity in zip(panels.T, shown, strict=True):
            told = rows[quantity][[first, *others]].to_numpy(dtype=float)
            for axes, other in zip(column, others, strict=True):
                _frame(axes, quantity, np.nanmin(told), np.nanmax(told))
                axes.set_xlabel(f"{quantity} in {first}")
                axes.set_ylabel(f"{quantity} in {other}")
                for engine, colour in colours.items():
                    own = rows.xs(engine, level="engine")[quantity][[first, other]].dropna()
                    axes.plot(own[first], own[other], "o", ms=4, alpha=0.8, color=colour, label=engine)
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=5, frameon=False, fontsize=9)
        foot(figure, "\n".join(f"{letter}: {letters[letter]}" for letter in (first, *others)))
    return figure


def _frame(axes: Axes, quantity: str, least: float, most: float) -> None:
    """Both axes alike, with room for all that any panel of the quantity shows, and the diagonal."""
    write = QUANTITIES[quantity]
    if quantity == "speedup":
        ends = least / 1.15, most * 1.15
        axes.set(xscale="log", yscale="log")
    else:
        ends = least - 0.05, most + 0.05
    axes.set(xlim=ends, ylim=ends)
    for axis in (axes.xaxis, axes.yaxis):
        if quantity == "speedup":
            log_ticks(axis, write)
        else:
            axis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))
    axes.plot(ends, ends, color="0.6", lw=1, zorder=0)
    axes.set_aspect("equal")
