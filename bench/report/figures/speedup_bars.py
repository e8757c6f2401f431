"""The speedup of each engine in a cell as a bar, with its interval; several cells below each other."""

from __future__ import annotations

from math import inf, nan

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...analysis.intervals import Estimate
from .. import numbers
from ..machines import letters, placed
from .axes import engine_colours, foot
from .style import style


def draw(rows: pd.DataFrame) -> Figure:
    """A panel for each cell; who was not timed is named without a bar."""
    places = letters(rows["machine"])
    cells = [
        (placed(str(cell), places[str(machine)]), part)
        for (machine, cell), part in rows.groupby(["machine", "cell"], sort=False)
    ]
    colours = engine_colours(rows["engine"])
    heights = [0.9 + 0.42 * len(part) for _, part in cells]
    with style():
        figure = Figure(figsize=(8.0, sum(heights) + 0.5), layout="constrained")
        every = figure.subplots(len(cells), squeeze=False, height_ratios=heights)[:, 0]
        for axes, (cell, part) in zip(every, cells, strict=True):
            _panel(axes, cell, part, colours)
        foot(figure, "\n".join(rows["machine"].unique()))
    return figure


def _panel(axes: Axes, cell: str, part: pd.DataFrame, colours: dict[str, object]) -> None:
    baseline = part["baseline"].iloc[0]
    for place, row in enumerate(part.itertuples()):
        beside = {"xytext": (6, 0), "textcoords": "offset points", "va": "center"}
        if pd.isna(row.speedup):
            axes.annotate("left out", (0, place), color="0.4", **beside)  # type: ignore[arg-type]
            continue
        axes.barh(place, row.speedup, color=colours[row.engine] if row.engine != baseline else "0.75", height=0.7)
        told, end = numbers.seconds(row.seconds_per_step), row.speedup
        if row.engine != baseline:
            axes.plot([row.speedup_low, row.speedup_high], [place, place], color="0.1", lw=1.5)
            factor = Estimate(row.speedup, row.speedup_low, row.speedup_high)
            told, end = f"{numbers.estimate(factor)}, {told}", row.speedup_high if row.speedup_high < inf else end
        axes.annotate(told, (end, place), **beside)  # type: ignore[arg-type]
    axes.axvline(1, color="0.2", lw=1, zorder=0)
    axes.set_yticks(range(len(part)), part["engine"])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(part) - 0.4, -0.6)
    ends = part[["speedup", "speedup_high"]].replace(inf, nan)
    axes.set_xlim(0, 1.45 * max(1.0, ends.max(axis=None)))
    axes.set_xlabel(f"speedup over {baseline}, 95 % interval; and what a step takes")
    axes.set_title(cell, loc="left", fontweight="bold")
