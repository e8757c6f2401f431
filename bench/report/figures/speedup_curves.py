"""The speedup of an engine against batch size: a curve for each hidden width, with its interval as a band."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from backprop.functions import HEAD, HIDDEN

from ...analysis.question import BASELINE, CHALLENGER, CLAIMS
from ..grouping import widths
from .axes import apart, batch_axis, log_ticks, shades


def draw(part: pd.DataFrame, all_rows: pd.DataFrame, axes: Axes) -> None:
    """One panel; its axes are those of the panels of all rows."""
    right, span = set_axes(axes, all_rows)
    hiddens = widths(part)
    ends = []
    for width, colour in zip(hiddens, shades(len(hiddens)), strict=True):
        line = part[part["width"] == width].dropna(subset=["speedup"]).sort_values("batch")
        if line.empty:
            continue
        axes.fill_between(line["batch"], line["speedup_low"], line["speedup_high"], color=colour, alpha=0.25, lw=0)
        axes.plot(line["batch"], line["speedup"], color=colour, marker="o", markersize=4)
        ends.append((line["speedup"].iloc[-1], f"width {width or 'none'}", colour))
    claims_on(axes, part, right)
    for (_, label, colour), height in zip(ends, apart([value for value, *_ in ends], span), strict=True):
        beside = {"xytext": (4, 0), "textcoords": "offset points", "va": "center", "annotation_clip": False}
        axes.annotate(label, (right, height), color=colour, **beside)  # type: ignore[arg-type]
    axes.set_ylabel(f"speedup over {part['baseline'].iloc[0]}, 95 % band")


def set_axes(axes: Axes, rows: pd.DataFrame) -> tuple[float, float]:
    """Axes with room for these rows; returns their end at the right, and how many times their bottom the top is."""
    bottom, top = limits(rows)
    axes.set_yscale("log")
    axes.set_ylim(bottom, top)
    log_ticks(axes.yaxis, lambda value: f"{value:g}x")
    batch_axis(axes, rows["batch"])
    left, right = rows["batch"].min() / 1.15, rows["batch"].max() * 1.15
    axes.set_xlim(left, right)
    return right, top / bottom


def claims_on(axes: Axes, part: pd.DataFrame, right: float) -> None:
    """Lines where an engine begins to pay, and at what was claimed of it, labelled at the right end of the axis."""
    claims = CLAIMS if _is_claimed(part).any() else {}
    for value, label in {1.0: f"1x: above this line {part['engine'].iloc[0]} pays", **claims}.items():
        axes.axhline(value, color="0.2" if value == 1 else "0.6", lw=1, ls="-" if value == 1 else "--", zorder=0)
        place = {"xytext": (-4, 3), "textcoords": "offset points", "ha": "right", "fontsize": 8, "color": "0.35"}
        place["bbox"] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.5, "pad": 0.5}  # curves run below it
        axes.annotate(label, (right, value), **place)  # type: ignore[arg-type]  # matplotlib's own stubs


def limits(rows: pd.DataFrame) -> tuple[float, float]:
    """The ends of the axis of speedups: 1x is in sight, and the claims where they are drawn."""
    has_claims = _is_claimed(rows).any()
    ends = rows[["speedup", "speedup_low", "speedup_high"]].astype(float).stack()
    ends = ends[(ends > 0) & (ends < np.inf)]  # one pass has no interval: from 0 to infinity
    return min(0.8, 0.9 * ends.min()), max(6.0 if has_claims else 1.25, 1.15 * ends.max())


def _is_claimed(rows: pd.DataFrame) -> pd.Series:
    """Of each row, whether anything was claimed of its speedup: by these engines, on a network like the source's."""
    question = {"engine": CHALLENGER, "baseline": BASELINE, "hidden": HIDDEN, "head": HEAD}
    return (rows[[*question]] == [*question.values()]).all(axis=1)
