"""What the speed costs: the peak memory of each engine against batch size, a panel for each network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ...cells.cell import Cell, parse_sizes
from .. import numbers
from ..grouping import KEYS, setting
from .axes import batch_axis, engine_colours, engine_marks, log_ticks
from .panels import PANELS, Panel, figure_of, in_figures
from .save import Draw

STEM = "memory-by-batch"


def draw(grid: pd.DataFrame, engines: Iterable[str], note: str) -> Iterator[tuple[str, Draw]]:
    """A figure of as many panels as fit, under its file's name; a second one has -2 in it."""
    for name, part in in_figures(STEM, list(panels(grid, engines)), PANELS[0]):
        yield name, partial(figure_of, part, note)


def panels(grid: pd.DataFrame, engines: Iterable[str]) -> Iterator[Panel]:
    """One for each sizes, dtype and functions in which a peak is known; engines are all of the page, for colours."""
    names = list(dict.fromkeys(engines))
    grid = grid[grid["threads"] == grid["threads"].min()]  # threads share the arrays
    for (_, sizes), part in grid.groupby([grid.groupby(KEYS, sort=False).ngroup(), "sizes"], sort=False):
        if part["peak_bytes"].isna().all():
            continue
        part = part.assign(peak_bytes=part["peak_bytes"].astype(float))
        largest = part[part["batch"] == part["batch"].max()]
        ends = [numbers.size(end) for end in (largest["peak_bytes"].min(), largest["peak_bytes"].max())]
        span = " to ".join(dict.fromkeys(ends))
        finding = f"{sizes}: {span} at batch {largest['batch'].iloc[0]}"
        yield Panel("", finding, setting(part), partial(_panel, part, names))


def _panel(part: pd.DataFrame, engines: list[str], axes: Axes) -> None:
    """A line for each engine; its colour is the same in all panels, and in the picture of the answer."""
    colours, marks = engine_colours(engines), engine_marks(engines)
    first = part.iloc[0]
    parameters = Cell(parse_sizes(first["sizes"]), batch=1).parameters * np.dtype(first["dtype"]).itemsize
    axes.set_yscale("log")
    for engine, line in part.groupby("engine", sort=False):
        line = line.dropna(subset=["peak_bytes"]).sort_values("batch")
        style: dict[str, Any] = {"marker": marks[engine], "ms": 3.5, "lw": 1.2, "color": colours[engine]}
        if line.empty:
            style |= {"marker": "", "lw": 0}
        axes.plot(line["batch"], line["peak_bytes"], label=f"{engine}: not known" if line.empty else engine, **style)
    axes.axhline(parameters, color="0.5", lw=1, ls="--", label="the parameters alone")
    axes.set_ylim(min(parameters, part["peak_bytes"].min()) / 1.3, 1.3 * max(parameters, part["peak_bytes"].max()))
    batch_axis(axes, part["batch"])
    log_ticks(axes.yaxis, numbers.size)
    axes.set_ylabel("peak memory of a first step")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2, frameon=False, fontsize=8.5, handlelength=1.5)
