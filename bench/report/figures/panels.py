"""The figures that have a panel for each engine and setting: the kinds there are, and their panels put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import numbers
from ..filenames import distinct
from ..grouping import KEYS, setting
from . import cost_shares, heatmap, speedup_curves
from .axes import foot, title
from .save import Draw
from .style import SMALL, style

PANELS = (8, 24)  # the most in one figure of all engines, and in one of the figures that an engine then has


class Facet(NamedTuple):
    """One panel: an engine in one setting of all but batch and width; its scales are those of all of its kind."""

    engine: str
    finding: str
    setting: str
    rows: pd.DataFrame
    all_rows: pd.DataFrame


class Kind(NamedTuple):
    """A kind of picture: its file's name, the quantity that a cell must have, its words, and how a panel is drawn."""

    stem: str
    column: str
    describe: Callable[[pd.DataFrame], str]
    draw: Callable[[Axes, pd.DataFrame, pd.DataFrame], None]


def draw(grid: pd.DataFrame, note: str) -> Iterator[tuple[str, Draw]]:
    """Every kind of picture over the grid, each under its file's name.

    note is the footnote: the machine and the noise floor. A quantity that no cell of a grid has is not drawn.
    """
    for kind, facets in by_kind(grid):
        for name, part in _figures(kind.stem, facets):
            yield name, partial(_figure, part, kind, note)


def by_kind(grid: pd.DataFrame) -> Iterator[tuple[Kind, list[Facet]]]:
    """Each kind of picture of a grid, as of `grid_of`, with its panels."""
    for kind in KINDS:
        own = grid[grid["engine"] != grid["baseline"]] if kind.column == "speedup" else grid
        yield kind, list(_facets(own, kind))


def small(facet: Facet, kind: Kind) -> Figure:
    """One panel alone, small enough for a phone; its finding and setting are left to the text around it."""
    with style():
        figure = Figure(figsize=SMALL, layout="constrained")
        kind.draw(figure.subplots(), facet.rows, facet.all_rows)
    return figure


def _facets(grid: pd.DataFrame, kind: Kind) -> Iterator[Facet]:
    """A panel for each engine and setting in which the quantity has a value."""
    for (engine, *_), part in grid.groupby(["engine", "baseline", *KEYS], sort=False):
        if part[kind.column].notna().any():
            yield Facet(engine, f"{engine} {kind.describe(part)}", setting(part), part, grid)


def _figures(stem: str, facets: list[Facet]) -> Iterable[tuple[str, list[Facet]]]:
    """The panels of each figure, under the figure's name."""
    together, alone = PANELS
    if len(facets) <= together:
        return [(stem, facets)] if facets else []
    parts = []
    for engine in dict.fromkeys(facet.engine for facet in facets):
        own = [facet for facet in facets if facet.engine == engine]
        parts += [
            (f"{engine}-{start // alone + 1}" if start else engine, own[start : start + alone])
            for start in range(0, len(own), alone)
        ]
    names = distinct(name for name, _ in parts)
    return [(f"{stem}-{name}", part) for name, (_, part) in zip(names, parts, strict=True)]


def _figure(facets: list[Facet], kind: Kind, note: str) -> Figure:
    columns = min(2, len(facets))
    lines = -(-len(facets) // columns)
    with style():
        figure = Figure(figsize=(8.0 * columns, 5.0 * lines + 0.6), layout="constrained")
        grid = list(figure.subplots(lines, columns, squeeze=False).flat)
        for axes, facet in zip(grid, facets, strict=False):
            title(axes, facet.finding, facet.setting)
            kind.draw(axes, facet.rows, facet.all_rows)
        for axes in grid[len(facets) :]:
            axes.set_axis_off()
        foot(figure, note)
    return figure


def _speedup_words(part: pd.DataFrame) -> str:
    speedups, baseline = part["speedup"].dropna(), part["baseline"].iloc[0]
    if len(speedups) == 1:
        return f"is {numbers.factor(speedups.iloc[0])} as fast as {baseline}"
    span = f"is {numbers.factor(speedups.min())} to {numbers.factor(speedups.max())}"
    return f"{span} as fast as {baseline}, median {numbers.factor(speedups.median())}"


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


KINDS = (
    Kind("speedup-heatmap", "speedup", _speedup_words, heatmap.speedup),
    Kind("speedup-by-batch", "speedup", _speedup_words, speedup_curves.draw),
    Kind("efficiency-heatmap", "efficiency", _efficiency_words, heatmap.efficiency),
    Kind("cost-shares", "dispatch_share", _shares_words, cost_shares.draw),
)
