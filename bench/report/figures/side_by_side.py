"""Folders side by side: the speedup and the efficiency of each cell in one against those in another."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from ..comparison import QUANTITIES, Comparison
from ..grouping import MOST_PICTURED
from .axes import engine_colours, foot, log_ticks
from .style import style


def draw(comparison: Comparison) -> Figure:
    """Each of the first letters against the very first, a dot for each cell: on the diagonal where they agree."""
    first, *others = list(comparison.told)[:MOST_PICTURED]
    shown = [
        quantity for quantity in QUANTITIES if comparison.rows[quantity].notna().all(axis=None) or quantity == "speedup"
    ]
    colours = engine_colours(comparison.rows.index.get_level_values("engine"))
    with style():
        size = (5.2 * len(shown), 4.4 * len(others) + 0.6)
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(len(others), len(shown), squeeze=False)
        for column, quantity in zip(panels.T, shown, strict=True):
            told = comparison.rows[quantity][[first, *others]].to_numpy(dtype=float)
            for axes, other in zip(column, others, strict=True):
                _frame(axes, quantity, np.nanmin(told), np.nanmax(told))
                axes.set_xlabel(f"{quantity} in {first}")
                axes.set_ylabel(f"{quantity} in {other}")
                for engine, colour in colours.items():
                    own = comparison.rows.xs(engine, level="engine")[quantity][[first, other]].dropna()
                    axes.plot(own[first], own[other], "o", ms=4, alpha=0.8, color=colour, label=engine)
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=5, frameon=False, fontsize=9)
        foot(figure, "\n".join(f"{letter}: {comparison.told[letter]}" for letter in (first, *others)))
    return figure


def _frame(axes: Axes, quantity: str, least: float, most: float) -> None:
    """Both axes alike, with room for all that any panel of the quantity shows, and the diagonal."""
    write = QUANTITIES[quantity]
    if quantity == "speedup":
        ends = least / 1.15, most * 1.15
        axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
        log_ticks(axes.xaxis, write)
        log_ticks(axes.yaxis, write)
    else:
        ends = least - 0.05, most + 0.05
        axes.set(xlim=ends, ylim=ends)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))
    axes.plot(ends, ends, color="0.6", lw=1, zorder=0)
    axes.set_aspect("equal")
