"""The kinds of picture of a grid, and how one panel of each is drawn: heatmaps, curves, shares, by batch and width."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator, PercentFormatter

from . import words
from .facets import KEYS, setting, widths
from .question import BASELINE, CHALLENGER, CLAIMS

SHARES = {"dispatch": "#e08214", "passes": "#b2abd2", "products": "#5e3c99"}
TICKS = [factor * 10.0**power for power in range(-2, 4) for factor in (1, 2, 5)]


class Facet(NamedTuple):
    """One panel: an engine in one setting of all but batch and width."""

    engine: str
    finding: str
    setting: str
    rows: pd.DataFrame


class Kind(NamedTuple):
    """A kind of picture: its file's name, the quantity that a cell must have, its words, and how a panel is drawn."""

    stem: str
    column: str
    describe: Callable[[pd.DataFrame], str]
    draw: Callable[[Axes, pd.DataFrame], None]


def by_kind(grid: pd.DataFrame) -> Iterator[tuple[Kind, list[Facet]]]:
    """Each kind of picture of a grid, as of `grid_of`, with its panels."""
    for kind in KINDS:
        own = grid[grid["engine"] != grid["baseline"]] if kind.column == "speedup" else grid
        yield kind, list(_facets(own, kind))


def _facets(grid: pd.DataFrame, kind: Kind) -> Iterator[Facet]:
    """A panel for each engine and setting in which the quantity has a value."""
    for (engine, *_), part in grid.groupby(["engine", "baseline", *KEYS], sort=False):
        if part[kind.column].notna().any():
            yield Facet(engine, f"{engine} {kind.describe(part)}", setting(part), part)


def _speedup_words(part: pd.DataFrame) -> str:
    speedups, baseline = part["speedup"].dropna(), part["baseline"].iloc[0]
    if len(speedups) == 1:
        return f"is {words.factor(speedups.iloc[0])} as fast as {baseline}"
    span = f"is {words.factor(speedups.min())} to {words.factor(speedups.max())}"
    return f"{span} as fast as {baseline}, median {words.factor(speedups.median())}"


def _efficiency_words(part: pd.DataFrame) -> str:
    shares = part["efficiency"].dropna()
    if len(shares) == 1:
        return f"is at {shares.iloc[0]:.0%} of the floor's speed"
    return f"is at {shares.min():.0%} to {shares.max():.0%} of the floor's speed, median {shares.median():.0%}"


def _shares_words(part: pd.DataFrame) -> str:
    shares = part.groupby("batch")["dispatch_share"].median()
    if len(shares) == 1:
        return f"spends {shares.iloc[0]:.0%} of a step on dispatch"
    first, last = shares.index.min(), shares.index.max()
    return f"spends {shares[first]:.0%} on dispatch at batch {first}, {shares[last]:.0%} at batch {last}"


def _heatmap(axes: Axes, part: pd.DataFrame) -> None:
    table = _table(part, "speedup")
    logs = np.log2(table.to_numpy(dtype=float))
    reach = max(float(np.nanmax(np.abs(logs))), 0.5)
    axes.imshow(logs, cmap="PuOr", norm=TwoSlopeNorm(0, -reach, reach), aspect="auto")
    _fill(axes, table, words.factor, _gaps(part, f"{part['baseline'].iloc[0]}\nleft out"), np.abs(logs) > 0.5 * reach)
    axes.set_xlabel("batch size (samples); orange: below 1x, purple: above")


def _efficiency(axes: Axes, part: pd.DataFrame) -> None:
    table = _table(part, "efficiency")
    shares = table.to_numpy(dtype=float)
    axes.imshow(shares, cmap="viridis", vmin=0, vmax=1, aspect="auto")
    _fill(axes, table, lambda share: f"{share:.0%}", _gaps(part, "no floor"), shares < 0.6)
    axes.set_xlabel("batch size (samples); the floor's time over the engine's")


def _table(part: pd.DataFrame, column: str) -> pd.DataFrame:
    """The column as width x batch, the widest first."""
    table = part.pivot_table(index="hidden", columns="batch", values=column, dropna=False)
    return table.reindex(index=widths(part)[::-1], columns=sorted(part["batch"].unique()))


def _gaps(part: pd.DataFrame, instead: str) -> dict[tuple[str, int], str]:
    """By width and batch, why a cell that was raced may have no value: left out, or `instead`."""
    return {(row.hidden, row.batch): instead if pd.isna(row.left_out) else "left out" for row in part.itertuples()}


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


def _curves(axes: Axes, part: pd.DataFrame) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    hiddens = widths(part)
    ends = []
    for width, colour in zip(hiddens, mpl.colormaps["viridis"](np.linspace(0.0, 0.8, len(hiddens))), strict=True):
        line = part[part["hidden"] == width].dropna(subset=["speedup"]).sort_values("batch")
        if line.empty:
            continue
        axes.fill_between(line["batch"], line["speedup_low"], line["speedup_high"], color=colour, alpha=0.25, lw=0)
        axes.plot(line["batch"], line["speedup"], color=colour, marker="o", markersize=4)
        ends.append((line["batch"].iloc[-1], line["speedup"].iloc[-1], f"width {width or 'none'}", colour))
    engine, baseline = part["engine"].iloc[0], part["baseline"].iloc[0]
    claims = CLAIMS if (engine, baseline) == (CHALLENGER, BASELINE) else {}
    bottom = min(0.8, 0.9 * part["speedup_low"].min())
    top = max(6.0 if claims else 1.25, 1.15 * part["speedup_high"].max())
    axes.set_ylim(bottom, top)
    left, right = part["batch"].min(), part["batch"].max()
    axes.set_xlim(left / 1.15, right * 1.15)
    for value, label in {1.0: f"1x: above this line {engine} pays", **claims}.items():
        axes.axhline(value, color="0.2" if value == 1 else "0.6", lw=1, ls="-" if value == 1 else "--", zorder=0)
        place = {"xytext": (-4, 3), "textcoords": "offset points", "ha": "right", "fontsize": 8, "color": "0.35"}
        axes.annotate(label, (axes.get_xlim()[1], value), **place)  # type: ignore[arg-type]  # matplotlib's own stubs
    for (batch, _, label, colour), height in zip(ends, _apart([end[1] for end in ends], top / bottom), strict=True):
        beside = {"xytext": (8, 0), "textcoords": "offset points", "va": "center", "annotation_clip": False}
        axes.annotate(label, (batch, height), color=colour, **beside)  # type: ignore[arg-type]
    axes.xaxis.set_major_locator(FixedLocator(sorted(part["batch"].unique())))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda batch, _: f"{batch:g}"))
    axes.yaxis.set_major_locator(FixedLocator(TICKS))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("batch size (samples)")
    axes.set_ylabel(f"speedup over {baseline}, 95 % band")


def _share_bars(axes: Axes, part: pd.DataFrame) -> None:
    """A bar for each cell, in groups by width, stacked from what a step goes to."""
    groups, batches = widths(part), sorted(part["batch"].unique())
    pitch = len(batches) + 1
    places = part["hidden"].map(groups.index) * pitch + part["batch"].map(batches.index)
    bottom = np.zeros(len(part))
    for name, colour in SHARES.items():
        share = part[f"{name}_share"].to_numpy(dtype=float)
        axes.bar(places, share, bottom=bottom, color=colour, width=0.9, label=name)
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
    axes.set_ylabel("share of a step, by the cost model")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=9, reverse=True, handlelength=1)


def _apart(heights: list[float], span: float) -> list[float]:
    """The heights, on a logarithmic axis of this span, moved up just enough that labels don't overlap."""
    step = span ** (1 / 22)
    moved = np.array(heights, dtype=float)
    lowest = 0.0
    for i in np.argsort(moved):
        moved[i] = lowest = max(moved[i], lowest * step)
    return [float(height) for height in moved]


KINDS = (
    Kind("speedup-heatmap", "speedup", _speedup_words, _heatmap),
    Kind("speedup-by-batch", "speedup", _speedup_words, _curves),
    Kind("efficiency-heatmap", "efficiency", _efficiency_words, _efficiency),
    Kind("cost-shares", "dispatch_share", _shares_words, _share_bars),
)
