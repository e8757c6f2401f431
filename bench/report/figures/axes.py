"""What the figures have in common: colours, titles and feet, axes of batch sizes and logarithmic ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import log
from textwrap import wrap
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator
from scipy.optimize import isotonic_regression

COLOURS, MARKS = 8, "o^sD"  # of engines: as many as Dark2 has
FOOT_LETTERS = 16  # of a footnote, to an inch
SETTING_LETTERS = 84  # in a line above a panel: more would leave the panel itself less room


def engine_colours(engines: Iterable[str]) -> dict[str, Any]:
    """A colour for each engine, in order of appearance."""
    names = list(dict.fromkeys(engines))
    return dict(zip(names, mpl.colormaps["Dark2"](np.arange(len(names)) % COLOURS), strict=True))


def engine_marks(engines: Iterable[str]) -> dict[str, str]:
    """A mark for each engine, in the same order: another one where the colours begin again."""
    return {name: MARKS[number // COLOURS % len(MARKS)] for number, name in enumerate(dict.fromkeys(engines))}


def shades(number: int) -> Any:
    """Colours of so many things that have an order, from dark to light: (number, 4)."""
    return mpl.colormaps["viridis"](np.linspace(0.0, 0.8, number))


def title(axes: Axes, finding: str, setting: str) -> None:
    """What the panel shows, and below it where that holds, in as many lines as that takes."""
    lines = [""]
    for part in setting.split("; "):
        if len(longer := f"{lines[-1]}; {part}".removeprefix("; ")) <= SETTING_LETTERS:
            lines[-1] = longer
        else:
            lines.append(part)
    axes.set_title(finding, loc="left", fontweight="bold", pad=22 + 12 * (len(lines) - 1))
    axes.text(0, 1.02, "\n".join(lines), transform=axes.transAxes, color="0.35", fontsize=9)


def foot(figure: Figure, note: str) -> None:
    """The footnote of a figure."""
    width = int(FOOT_LETTERS * figure.get_figwidth())
    lines = (line for told in note.splitlines() for line in wrap(told, width) or [""])
    figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=7.5, color="0.35")


def batch_axis(axes: Axes, batches: Iterable[int]) -> None:
    """Batch sizes from left to right, logarithmic, each of them labelled."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sorted(set(batches))))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda batch, _: f"{batch:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("batch size (samples)")


def log_ticks(axis: Axis, write: Callable[[float], str], fine: float = 1000.0) -> None:
    """Label a logarithmic axis whose ends are known: at 1, 2 and 5, or only at 1 where it spans more than `fine`."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low <= fine else (1,), numticks=99))
    axis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))
    axis.set_minor_locator(NullLocator())


def apart(heights: Sequence[float], span: float) -> list[float]:
    """The heights, on a logarithmic axis of this span, moved just enough, up or down, that labels don't overlap."""
    step = log(span) / 22
    order, steps = np.argsort(heights, kind="stable"), step * np.arange(len(heights))
    moved = np.empty(len(heights))
    moved[order] = np.exp(isotonic_regression(np.log(heights)[order] - steps).x + steps)
    return [float(height) for height in moved]
