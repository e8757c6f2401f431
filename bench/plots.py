"""The pictures of a grid, drawn from the tidy frame: speedup, efficiency and the model's shares by batch and width."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path
from string import ascii_uppercase
from typing import Any, NamedTuple
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator, PercentFormatter
from PIL import Image

from . import words
from .records import written_whole

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", XLINK)

CLAIMS = {2.0: "2x: Nielsen's book", 5.0: "5x: this project's source"}
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "font.family": "DejaVu Sans",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "backprop-bench",  # the same records give the same file
    "svg.fonttype": "none",
    "text.parse_math": False,  # a name is a name, whatever it is made of
}
SHARES = {"dispatch": "#e08214", "passes": "#b2abd2", "products": "#5e3c99"}
TICKS = [factor * 10.0**power for power in range(-2, 4) for factor in (1, 2, 5)]

SMALL = (5.2, 3.6)  # inches
PANELS = 8  # the most in one figure; where there are more, each engine has a figure of its own


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


def draw(rows: pd.DataFrame, folder: Path, note: str) -> list[Path]:
    """Draw every kind of picture over the grid into the folder, each as PNG and SVG; returns their paths.

    note is the footnote: the machine and the noise floor. A quantity that no cell of a grid has is not drawn.
    """
    paths: list[Path] = []
    for kind, facets in by_kind(rows):
        for name, part in _figures(kind.stem, facets):
            paths += save_both(_figure(part, kind.draw, note), folder / name)
    return paths


def by_kind(rows: pd.DataFrame) -> Iterator[tuple[Kind, list[Facet]]]:
    """Each kind of picture with its panels."""
    grid = grid_of(rows)
    for kind in KINDS:
        own = grid[grid["engine"] != grid["baseline"]] if kind.column == "speedup" else grid
        yield kind, list(_facets(own, kind))


def panel(facet: Facet, kind: Kind) -> Figure:
    """One panel alone, small enough for a phone; its finding and setting are left to the text around it."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=SMALL, layout="constrained")
        kind.draw(figure.subplots(), facet.rows)
    return figure


def grid_of(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of cells on random data, the last of each machine, engine and cell, with the parts of sizes as columns.

    place is the letter of the row's machine where there are several, else empty.
    """
    grid = rows[rows["data"] == "random"].drop_duplicates(["machine", "cell", "engine"], keep="last")
    layers = grid["sizes"].str.split("-")
    return grid.assign(
        inputs=layers.str[0],
        outputs=layers.str[-1],
        hidden=layers.str[1:-1].str.join("-"),
        depth=layers.str.len() - 2,
        place=grid["machine"].map(letters(rows["machine"])),
    )


def letters(machines: Iterable[str]) -> dict[str, str]:
    """A letter for each machine in order of appearance; none where there is only one."""
    found = list(dict.fromkeys(machines))
    return dict(zip(found, ascii_uppercase, strict=False)) if len(found) > 1 else dict.fromkeys(found, "")


def widths(part: pd.DataFrame) -> list[str]:
    """The hidden layers that the rows have, in order of their width."""
    return sorted(part["hidden"].unique(), key=lambda hidden: [int(size) for size in hidden.split("-") if size])


def depth(hidden_layers: int) -> str:
    """A number of hidden layers in words."""
    return {0: "no hidden layer", 1: "one hidden layer"}.get(hidden_layers, f"{hidden_layers} hidden layers")


def setting(machine: str, inputs: str, layers: int, outputs: str, dtype: str, threads: int) -> str:
    """All but batch and width in words; machine is its letter, or empty."""
    words = f"{inputs} inputs, {depth(layers)}, {outputs} outputs; {dtype}; BLAS threads: {threads}"
    return f"machine {machine}: {words}" if machine else words


def _facets(grid: pd.DataFrame, kind: Kind) -> Iterator[Facet]:
    """A panel for each engine and setting in which the quantity has a value."""
    keys = ["engine", "baseline", "place", "inputs", "depth", "outputs", "dtype", "threads"]
    for (engine, _, *held), part in grid.groupby(keys, sort=False):
        if part[kind.column].notna().any():
            yield Facet(engine, f"{engine} {kind.describe(part)}", setting(*held), part)


def _figures(stem: str, facets: list[Facet]) -> Iterable[tuple[str, list[Facet]]]:
    """The panels of each figure, under the figure's name."""
    if len(facets) <= PANELS:
        return [(stem, facets)] if facets else []
    engines = dict.fromkeys(facet.engine for facet in facets)
    return [(f"{stem}-{engine}", [facet for facet in facets if facet.engine == engine]) for engine in engines]


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


def _figure(facets: list[Facet], draw_facet: Callable[[Axes, pd.DataFrame], None], note: str) -> Figure:
    columns = min(2, len(facets))
    lines = -(-len(facets) // columns)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.0 * columns, 5.0 * lines + 0.6), layout="constrained")
        grid = list(figure.subplots(lines, columns, squeeze=False).flat)
        for axes, facet in zip(grid, facets, strict=False):
            axes.set_title(facet.finding, loc="left", fontweight="bold", pad=22)
            axes.text(0, 1.02, facet.setting, transform=axes.transAxes, color="0.35", fontsize=9)
            draw_facet(axes, facet.rows)
        for axes in grid[len(facets) :]:
            axes.set_axis_off()
        foot(figure, note)
    return figure


def foot(figure: Figure, note: str) -> None:
    """The footnote of a figure."""
    figure.supxlabel(note, x=0.01, ha="left", fontsize=7.5, color="0.35")


def _heatmap(axes: Axes, part: pd.DataFrame) -> None:
    table = _table(part, "speedup")
    logs = np.log2(table.to_numpy(dtype=float))
    reach = max(float(np.nanmax(np.abs(logs))), 0.5)
    axes.imshow(logs, cmap="PuOr", norm=TwoSlopeNorm(0, -reach, reach), aspect="auto")
    _fill(axes, table, words.factor, dark=np.abs(logs) > 0.5 * reach)
    axes.set_xlabel("batch size (samples); orange: below 1x, purple: above")


def _efficiency(axes: Axes, part: pd.DataFrame) -> None:
    table = _table(part, "efficiency")
    shares = table.to_numpy(dtype=float)
    axes.imshow(shares, cmap="viridis", vmin=0, vmax=1, aspect="auto")
    _fill(axes, table, lambda share: f"{share:.0%}", dark=shares < 0.6)
    axes.set_xlabel("batch size (samples); efficiency: the floor's time over the engine's")


def _table(part: pd.DataFrame, column: str) -> pd.DataFrame:
    """The column as width x batch, the widest first."""
    table = part.pivot_table(index="hidden", columns="batch", values=column, dropna=False)
    return table.reindex(index=widths(part)[::-1], columns=sorted(part["batch"].unique()))


def _fill(axes: Axes, table: pd.DataFrame, write: Callable[[float], str], dark: Any) -> None:
    """Write into each field of a heatmap, in white where it is dark, and label its sides."""
    for (line, column), value in np.ndenumerate(table.to_numpy(dtype=float)):
        text = "left out" if np.isnan(value) else write(value)
        colour = "white" if dark[line, column] else "black"
        axes.text(column, line, text, ha="center", va="center", color=colour, fontsize=11)
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
    axes.set_ylabel(f"speedup over {part['baseline'].iloc[0]}, 95 % band")


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


def save(figure: Figure, path: Path | BytesIO, form: str, transparent: bool = False) -> None:
    """Write the figure as png, 1,600 pixels wide at the most, or svg; a .svg is the same each time."""
    with mpl.rc_context(STYLE):
        figure.savefig(
            path,
            format=form,
            dpi=min(160, 1600 / figure.get_figwidth()),
            metadata={"Date": None} if form == "svg" else {},
            transparent=transparent,
        )
    if form == "png" and isinstance(path, Path):
        with Image.open(path) as image:
            image.convert("RGB").quantize(128).save(path, form, optimize=True)  # a third of the bytes


def inline(figure: Figure, name: str) -> str:
    """The figure as an <svg> element to stand in a page among others: its ids begin with the name."""
    memory = BytesIO()
    save(figure, memory, "svg", transparent=True)
    root = ElementTree.fromstring(memory.getvalue())
    for parent in root.iter():
        for child in [child for child in parent if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style")]:
            parent.remove(child)
        for attribute, value in parent.attrib.items():
            if attribute == "id":
                parent.set(attribute, f"{name}-{value}")
            elif "#" in value:
                parent.set(attribute, re.sub(r"(^|url\()#", rf"\1#{name}-", value))
    root.set("style", f"max-width: {root.attrib.pop('width')}")  # as wide as there is room, up to its own size
    root.attrib.pop("height")
    return ElementTree.tostring(root, encoding="unicode")


def save_both(figure: Figure, stem: Path) -> list[Path]:
    """Write the figure as PNG and as SVG; returns their paths."""
    paths = [stem.with_suffix(".png"), stem.with_suffix(".svg")]
    for path in paths:
        with written_whole(path) as temporary:
            save(figure, temporary, path.suffix[1:])
    return paths


KINDS = (
    Kind("speedup-heatmap", "speedup", _speedup_words, _heatmap),
    Kind("speedup-by-batch", "speedup", _speedup_words, _curves),
    Kind("efficiency-heatmap", "efficiency", _efficiency_words, _efficiency),
    Kind("cost-shares", "dispatch_share", _shares_words, _share_bars),
)
