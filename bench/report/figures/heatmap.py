"""Heatmaps of width by batch: the speedup in each cell, and the efficiency."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm

from .. import numbers
from ..grouping import widths


def speedup(part: pd.DataFrame, all_rows: pd.DataFrame, axes: Axes) -> None:
    """The same colour is the same speedup in the panels of all rows."""
    table = _table(part, "speedup")
    logs = np.log2(table.to_numpy(dtype=float))
    reach = max(float(np.log2(all_rows["speedup"].astype(float)).abs().max()), 0.5)
    axes.imshow(logs, cmap="PuOr", norm=TwoSlopeNorm(0, -reach, reach), aspect="auto")
    _fill(axes, table, numbers.factor, _gaps(part, f"{part['baseline'].iloc[0]}\nleft out"), np.abs(logs) > 0.6 * reach)
    axes.set_xlabel("batch size (samples)\norange: below 1x, purple: above")


def efficiency(part: pd.DataFrame, _: pd.DataFrame, axes: Axes) -> None:
    """From 0 to 1 in any panel."""
    table = _table(part, "efficiency")
    shares = table.to_numpy(dtype=float)
    axes.imshow(shares, cmap="viridis", vmin=0, vmax=1, aspect="auto")
    _fill(axes, table, lambda share: f"{share:.0%}", _gaps(part, "no floor"), shares < 0.6)
    axes.set_xlabel("batch size (samples)\nthe floor's time over the engine's")


def _table(part: pd.DataFrame, column: str) -> pd.DataFrame:
    """The column as width x batch, the widest first."""
    table = part.pivot_table(index="width", columns="batch", values=column, dropna=False)
    return table.reindex(index=widths(part)[::-1], columns=sorted(part["batch"].unique()))


def _gaps(part: pd.DataFrame, instead: str) -> dict[tuple[str, int], str]:
    """By width and batch, why a cell that was raced may have no value: left out, or `instead`."""
    return {(row.width, row.batch): instead if pd.isna(row.left_out) else "left out" for row in part.itertuples()}


def _fill(
    axes: Axes, table: pd.DataFrame, write: Callable[[float], str], gaps: Mapping[tuple[str, int], str], dark: Any
) -> None:
    """Write into each field of a heatmap, in white where it is dark, and label its sides; a cell not raced is empty."""
    for (line, column), value in np.ndenumerate(table.to_numpy(dtype=float)):
        known = not np.isnan(value)
        text = write(value) if known else gaps.get((table.index[line], table.columns[column]), "")
        colour = "white" if dark[line, column] else "black"
        axes.text(column, line, text, ha="center", va="center", color=colour, fontsize=11 if known else 8)
    axes.set_xticks(range(table.shape[1]), [str(batch) for batch in table.columns])
    axes.set_yticks(range(table.shape[0]), list(table.index))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_ylabel("hidden width (units)")
