"""What a step goes to: calls, passes over memory, products, as a bar for each cell."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from .. import parts
from ..grouping import widths
from ..parts import COLOURS, COLUMNS


def draw(part: pd.DataFrame, _: pd.DataFrame, axes: Axes) -> None:
    """The bars in groups by width, from 0 to 1 in any panel."""
    groups, batches = widths(part), sorted(part["batch"].unique())
    pitch = len(batches) + 1
    places = part["width"].map(groups.index) * pitch + part["batch"].map(batches.index)
    bottom = np.zeros(len(part))
    for name, column in COLUMNS.items():
        share = part[column].to_numpy(dtype=float)
        axes.bar(places, share, bottom=bottom, color=COLOURS[name], width=0.9, label=name)
        bottom += share
    axes.set_xlim(-1, len(groups) * pitch - 1)
    axes.set_ylim(0, 1)
    axes.set_xticks(
        [place + group * pitch for group in range(len(groups)) for place in range(len(batches))],
        [str(batch) for _ in groups for batch in batches],
        fontsize=7,
        rotation=90,
    )
    axes.tick_params(axis="x", length=0)
    below = axes.secondary_xaxis(0)
    middles = [group * pitch + (len(batches) - 1) / 2 for group in range(len(groups))]
    below.set_xticks(middles, [hidden or "none" for hidden in groups], fontsize=9)
    below.tick_params(length=0, pad=20)
    below.spines[:].set_visible(False)
    below.set_xlabel("batch size (samples), in groups of hidden width (units)")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylabel(f"share of a step, {parts.how(part)}")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=9, reverse=True, handlelength=1)
