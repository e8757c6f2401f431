"""The pictures, drawn from the tidy frame: speedup as a heatmap over the grid, and against batch size."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from .records import written_whole

CLAIMS = {2.0: "2x: Nielsen's book", 5.0: "5x: this project's source"}
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "font.family": "DejaVu Sans",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "backprop-bench",  # the same records give the same file
    "svg.fonttype": "none",
}
TICKS = [factor * 10.0**power for power in range(-2, 4) for factor in (1, 2, 5)]

Facet = tuple[str, pd.DataFrame]


def draw(rows: pd.DataFrame, folder: Path, note: str) -> list[Path]:
    """Draw speedup-heatmap and speedup-by-batch into the folder, each as PNG and SVG; returns their paths.

    note is the footnote: the machine and the noise floor. Without a speedup in any cell of a grid, nothing
    is drawn.
    """
    facets = list(_facets(rows))
    if not facets:
        return []
    with mpl.rc_context(STYLE):
        heatmap = _figure(facets, _heatmap, note)
        curves = _figure(facets, _curves, note)
        return [*_save_both(heatmap, folder / "speedup-heatmap"), *_save_both(curves, folder / "speedup-by-batch")]


def factor(value: float) -> str:
    """A ratio with three significant digits: 0.97x, 4.60x, 12.3x, 1234x."""
    return f"{value:#.3g}".rstrip(".") + "x" if value < 1000 else f"{value:.0f}x"


def _facets(rows: pd.DataFrame) -> Iterable[Facet]:
    """One part of the rows, with its title, for each engine and each setting other than batch and width."""
    grid = rows[(rows["data"] == "random") & (rows["engine"] != rows["baseline"])]
    grid = grid.drop_duplicates(["cell", "engine"], keep="last")
    layers = grid["sizes"].str.split("-")
    grid = grid.assign(
        inputs=layers.str[0],
        outputs=layers.str[-1],
        hidden=layers.str[1:-1].str.join("-"),
        depth=layers.str.len() - 2,
    )
    keys = ["engine", "baseline", "inputs", "outputs", "depth", "dtype", "threads"]
    for (engine, baseline, inputs, outputs, depth, dtype, threads), part in grid.groupby(keys, sort=False):
        speedups = part["speedup"].dropna()
        if speedups.empty:
            continue
        span = factor(speedups.min())
        if len(speedups) > 1:
            span += f" to {factor(speedups.max())} as fast as {baseline}, median {factor(speedups.median())}"
        else:
            span += f" as fast as {baseline}"
        layers_word = {0: "no hidden layer", 1: "one hidden layer"}.get(depth, f"{depth} hidden layers")
        setting = f"{inputs} inputs, {layers_word}, {outputs} outputs; {dtype}; BLAS threads: {threads}"
        yield f"{engine} is {span}\n{setting}", part


def _figure(facets: list[Facet], draw_facet: Callable[[Axes, pd.DataFrame], None], note: str) -> Figure:
    columns = min(2, len(facets))
    lines = -(-len(facets) // columns)
    figure = Figure(figsize=(8.0 * columns, 5.0 * lines + 0.6), layout="constrained")
    grid = list(figure.subplots(lines, columns, squeeze=False).flat)
    for axes, (title, part) in zip(grid, facets, strict=False):
        finding, setting = title.split("\n")
        axes.set_title(finding, loc="left", fontweight="bold", pad=22)
        axes.text(0, 1.02, setting, transform=axes.transAxes, color="0.35", fontsize=9)
        draw_facet(axes, part)
    for axes in grid[len(facets) :]:
        axes.set_axis_off()
    figure.supxlabel(note, x=0.01, ha="left", fontsize=7.5, color="0.35")
    return figure


def _widths(part: pd.DataFrame) -> list[str]:
    return sorted(part["hidden"].unique(), key=lambda hidden: [int(size) for size in hidden.split("-") if size])


def _heatmap(axes: Axes, part: pd.DataFrame) -> None:
    table = part.pivot_table(index="hidden", columns="batch", values="speedup", dropna=False)
    table = table.reindex(index=_widths(part)[::-1], columns=sorted(part["batch"].unique()))
    logs = np.log2(table.to_numpy(dtype=float))
    reach = max(float(np.nanmax(np.abs(logs))), 0.5)
    axes.imshow(logs, cmap="PuOr", norm=TwoSlopeNorm(0, -reach, reach), aspect="auto")
    for (line, column), value in np.ndenumerate(logs):
        text = "left out" if np.isnan(value) else factor(2**value)
        light = abs(value) > 0.5 * reach
        axes.text(column, line, text, ha="center", va="center", color="white" if light else "black", fontsize=11)
    axes.set_xticks(range(table.shape[1]), [str(batch) for batch in table.columns])
    axes.set_yticks(range(table.shape[0]), list(table.index))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("batch size (samples); colour: below 1x orange, above 1x purple, logarithmic")
    axes.set_ylabel("hidden width (units)")


def _curves(axes: Axes, part: pd.DataFrame) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    widths = _widths(part)
    ends = []
    for width, colour in zip(widths, mpl.colormaps["viridis"](np.linspace(0.0, 0.8, len(widths))), strict=True):
        line = part[part["hidden"] == width].dropna(subset=["speedup"]).sort_values("batch")
        if line.empty:
            continue
        axes.fill_between(line["batch"], line["speedup_low"], line["speedup_high"], color=colour, alpha=0.25, lw=0)
        axes.plot(line["batch"], line["speedup"], color=colour, marker="o", markersize=4)
        ends.append((line["batch"].iloc[-1], line["speedup"].iloc[-1], f"width {width or 'none'}", colour))
    bottom = min(0.8, 0.9 * part["speedup_low"].min())
    top = max(6.0, 1.15 * part["speedup_high"].max())
    axes.set_ylim(bottom, top)
    left, right = part["batch"].min(), part["batch"].max()
    axes.set_xlim(left / 1.15, right * 1.15)
    for value, label in {1.0: f"1x: above this line {part['engine'].iloc[0]} pays", **CLAIMS}.items():
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
    axes.set_ylabel(f"speedup over {part['baseline'].iloc[0]} (band: 95 % interval)")


def _apart(heights: list[float], span: float) -> list[float]:
    """The heights, on a logarithmic axis of this span, moved up just enough that labels don't overlap."""
    step = span ** (1 / 22)
    moved = np.array(heights, dtype=float)
    lowest = 0.0
    for i in np.argsort(moved):
        moved[i] = lowest = max(moved[i], lowest * step)
    return [float(height) for height in moved]


def save(figure: Figure, path: Path, form: str) -> None:
    """Write the figure as png or svg; a .svg is the same each time."""
    figure.savefig(path, format=form, dpi=160, metadata={"Date": None} if form == "svg" else {})


def _save_both(figure: Figure, stem: Path) -> list[Path]:
    paths = [stem.with_suffix(".png"), stem.with_suffix(".svg")]
    for path in paths:
        with written_whole(path) as temporary:
            save(figure, temporary, path.suffix[1:])
    return paths
