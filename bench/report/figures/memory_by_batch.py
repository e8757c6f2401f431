"""What the speed costs: the peak memory of each engine against batch size, as a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...cells.cell import Cell, Setting, parse_sizes
from .. import numbers
from ..grouping import KEYS, widths
from .axes import batch_axis, engine_colours, foot, log_ticks
from .style import style


def draw(grid: pd.DataFrame, note: str) -> Figure | None:
    """A panel for each sizes, dtype and functions, a line for each engine, over a note; None where no peak is known."""
    if grid["peak_bytes"].isna().all():
        return None
    grid = grid[grid["threads"] == grid["threads"].min()]  # threads share the arrays
    settings = [part for _, part in grid.groupby(KEYS, sort=False)]
    columns = max(part["width"].nunique() for part in settings)
    colours = engine_colours(grid["engine"])
    with style():
        figure = Figure(figsize=(3.4 * columns + 0.8, 3.0 * len(settings) + 1.4), layout="constrained")
        panels = figure.subplots(len(settings), columns, squeeze=False, sharex=True, sharey=True)
        panels[0, 0].set_yscale("log")
        for line, part in zip(panels, settings, strict=True):
            hiddens = widths(part)
            for axes, hidden in zip(line, hiddens, strict=False):
                _panel(axes, part[part["width"] == hidden], colours)
                batch_axis(axes, grid["batch"])
                axes.tick_params(labelbottom=True)
            for axes in line[len(hiddens) :]:
                axes.set_axis_off()
        log_ticks(panels[0, 0].yaxis, numbers.size)
        _legend(figure, grid, colours)
        foot(figure, note)
    return figure


def _panel(axes: Axes, part: pd.DataFrame, colours: dict[str, Any]) -> None:
    for engine, curve in part.dropna(subset=["peak_bytes"]).groupby("engine", sort=False):
        curve = curve.sort_values("batch")
        axes.plot(curve["batch"], curve["peak_bytes"].astype(float), "o-", ms=3, lw=1.2, color=colours[engine])
    sizes, dtype = part["sizes"].iloc[0], part["dtype"].iloc[0]
    axes.axhline(Cell(parse_sizes(sizes), batch=1).parameters * np.dtype(dtype).itemsize, color="0.5", lw=1, ls="--")
    place, functions = part["place"].iloc[0], Setting(*part.iloc[0][[*Setting._fields]]).functions
    told = [sizes, dtype, *([f"machine {place}"] if place else [])]
    axes.set_title("\n".join([", ".join(told), *functions]), loc="left", fontsize=9)


def _legend(figure: Figure, grid: pd.DataFrame, colours: dict[str, Any]) -> None:
    marks, labels = [], []
    for engine, colour in colours.items():
        known = grid.loc[grid["engine"] == engine, "peak_bytes"].notna().any()
        marks.append(Line2D([], [], color=colour, marker="o" if known else "", ms=3, ls="-" if known else ""))
        labels.append(engine if known else f"{engine}: not known")
    marks.append(Line2D([], [], color="0.5", ls="--"))
    figure.legend(
        marks,
        [*labels, "the parameters alone"],
        title="What the speed costs: peak memory of an engine with its first step",
        title_fontproperties={"weight": "bold"},
        loc="outside upper center",
        ncols=5,
        frameon=False,
        fontsize=9,
    )
