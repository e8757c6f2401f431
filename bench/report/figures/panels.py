"""The figures that have a panel for each engine and setting: the kinds there are, and their panels put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import ceil
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import numbers
from ..filenames import distinct
from ..grouping import KEYS, setting
from ..parts import COLUMNS
from . import cost_shares, heatmap, speedup_curves
from .axes import foot, title
from .save import Draw
from .style import SMALL, style

PANELS = (8, 8)  # the most in one figure of all engines, and in one of the figures that an engine then has


class Panel(NamedTuple):
    """An engine in one setting: what is found, in words; where that holds; how it is drawn, and how large alone."""

    engine: str
    finding: str
    setting: str
    draw: Callable[[Axes], None]
    inches: tuple[float, float] = SMALL


def draw(grid: pd.DataFrame, note: str) -> Iterator[tuple[str, Draw]]:
    """Every kind of picture over the grid, each under its file's name.

    note is the footnote: the machine and the noise floor. A quantity that no cell of a grid has is not drawn.
    """
    for stem, found in by_stem(grid).items():
        for name, part in _figures(stem, found):
            yield name, partial(figure_of, part, note)


def by_stem(grid: pd.DataFrame) -> dict[str, list[Panel]]:
    """The panels of each kind of picture over a grid, as of `grid_of`; the scales of a kind are those of all its rows.

    There is one for each engine and setting of all but batch and width in which the kind's quantity has a value.
    """
    found = {}
    for stem, (column, words, draw_rows) in KINDS.items():
        rows = grid[grid["engine"] != grid["baseline"]] if column == "speedup" else grid
        found[stem] = [
            Panel(engine, f"{engine} {words(part)}", setting(part), partial(draw_rows, part, rows))
            for (engine, *_), part in rows.groupby(["engine", "baseline", *KEYS], sort=False)
            if part[column].notna().any()
        ]
    return found


def together(shown: list[Panel]) -> Figure:
    """These panels in one figure, as many as have room there."""
    return figure_of(shown[: PANELS[0]], "")


def small(panel: Panel) -> Figure:
    """One panel alone, small enough for a phone; its finding and setting are left to the text around it."""
    with style():
        figure = Figure(figsize=panel.inches, layout="constrained")
        panel.draw(figure.subplots())
    return figure


def _figures(stem: str, found: list[Panel]) -> list[tuple[str, list[Panel]]]:
    """The panels of each figure, under the figure's name."""
    together, alone = PANELS
    if len(found) <= together:
        return [(stem, found)] if found else []
    parts: list[tuple[str, list[Panel]]] = []
    for engine in dict.fromkeys(panel.engine for panel in found):
        parts += in_figures(engine, [panel for panel in found if panel.engine == engine], alone)
    names = distinct(name for name, _ in parts)
    return [(f"{stem}-{name}", part) for name, (_, part) in zip(names, parts, strict=True)]


def in_figures(name: str, found: list[Panel], most: int) -> Iterator[tuple[str, list[Panel]]]:
    """So many panels a figure at the most; from the second on a figure's name ends in its number."""
    for start in range(0, len(found), most):
        yield f"{name}-{start // most + 1}" if start else name, found[start : start + most]


def figure_of(shown: list[Panel], note: str) -> Figure:
    """These panels, two in a line, each under what it shows, over the note."""
    columns = min(2, len(shown))
    lines = ceil(len(shown) / columns)
    with style():
        figure = Figure(
            figsize=(8.0 * columns, max(5.0, *(panel.inches[1] for panel in shown)) * lines + 0.6), layout="constrained"
        )
        grid = list(figure.subplots(lines, columns, squeeze=False).flat)
        for axes, panel in zip(grid, shown, strict=False):
            title(axes, panel.finding, panel.setting)
            panel.draw(axes)
        for axes in grid[len(shown) :]:
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
    shares = part.groupby("batch")[COLUMNS["calls"]].median().dropna()
    networks = ", in the median of its networks" if part["sizes"].nunique() > 1 else ""
    if len(shares) == 1:
        return f"spends {shares.iloc[0]:.0%} of a step on calls{networks}"
    first, last = shares.index.min(), shares.index.max()
    return f"spends {shares[first]:.0%} on calls at batch {first}, {shares[last]:.0%} at batch {last}{networks}"


KINDS = {
    "speedup-heatmap": ("speedup", _speedup_words, heatmap.speedup),
    "speedup-by-batch": ("speedup", _speedup_words, speedup_curves.draw),
    "efficiency-heatmap": ("efficiency", _efficiency_words, heatmap.efficiency),
    "cost-shares": (COLUMNS["calls"], _shares_words, cost_shares.draw),
}
"""By the name of the file: the quantity that a cell must have, what is found in words, and what draws it on axes."""
