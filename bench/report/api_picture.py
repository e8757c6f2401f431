"""The one picture of some races: a bar for each engine in a cell; over a grid, the speedup against batch size."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from ..analysis import speedup_frame
from ..records.record import Record
from . import selection
from .figures import panels, speedup_bars
from .grouping import grid_of


def draw(found: Sequence[Record]) -> Figure:
    """Curves of the headline's setting where batch sizes make one, and else bars, of each cell."""
    rows = speedup_frame.frame(found)
    grid = selection.pictured(found, grid_of(rows))
    if grid["batch"].nunique() > 1 and (curves := panels.by_stem(grid)["speedup-by-batch"]):
        return panels.together(curves)
    return speedup_bars.draw(rows)
