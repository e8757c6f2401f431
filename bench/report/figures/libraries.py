"""The question inside each library as a picture: factors over the loop, and memory beside them, against batch size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ...analysis.libraries import LIBRARIES, WAYS, Series, Way, series
from ...records.record import Record
from .. import libraries as words
from .. import numbers
from .axes import apart, batch_axis, engine_colours, log_ticks
from .panels import PANELS, Panel, figure_of, in_figures
from .save import Draw

STYLES = (":s", "--^", "-o")  # of the ways, in their order: the line, and the mark


class Curve(NamedTuple):
    """An engine over batch sizes: its library, and the number of its way."""

    engine: str
    library: str
    way: int
    batches: list[int]
    values: list[float]


def draw(found: Sequence[Record], note: str) -> Iterator[tuple[str, Draw]]:
    """A figure of as many panels as fit, under its file's name; a second one has -2 in it."""
    for name, part in in_figures(words.STEM, list(panels(found)), PANELS[0]):
        yield name, partial(figure_of, part, note)


def panels(found: Sequence[Record]) -> Iterator[Panel]:
    """Two for each set of cells that differ in their batch alone: factors over the loop, and memory."""
    for one in series(found):
        where = words.heading(one, found)
        for finding, usual, value, finish in (
            (words.gained(one), "Factors over the loop", lambda way: way.over_loop and way.over_loop.value, _factors),
            (words.held(one), "Peak memory", lambda way: way.result.peak_bytes, _sizes),
        ):
            title, setting = (finding.short, f"{finding.of}; {where}") if finding else (usual, where)
            if curves := _curves(one, value):
                yield Panel("", title, setting, partial(_panel, curves, finish))


def _curves(one: Series, value: Callable[[Way], float | None]) -> list[Curve]:
    """A curve for each engine that has such a value at two batch sizes or more."""
    found = []
    for library, names in LIBRARIES.items():
        for number, name in enumerate(names):
            points = [
                (batch, known)
                for batch, family in one.of(library)
                if (way := family.way(number)) and (known := value(way))
            ]
            if len(points) > 1:
                batches, values = map(list, zip(*points, strict=True))
                found.append(Curve(name, library, number, batches, values))
    return found


def _panel(curves: Sequence[Curve], finish: Callable[[Axes], None], axes: Axes) -> None:
    colours = engine_colours(LIBRARIES)
    axes.set_yscale("log")
    for curve in curves:
        axes.plot(curve.batches, curve.values, STYLES[curve.way], color=colours[curve.library], ms=5, lw=1.6)
    finish(axes)
    ways = sorted({curve.way for curve in curves}, reverse=True)
    lines = [Line2D([], [], color="0.35", ls=STYLES[way][:-1], marker=STYLES[way][-1], ms=5) for way in ways]
    axes.legend(lines, [WAYS[way] for way in ways], loc="upper left", frameon=False, fontsize=9, labelcolor="0.35")
    batch_axis(axes, [batch for curve in curves for batch in curve.batches])
    bottom, top = axes.get_ylim()
    ends = apart([curve.values[-1] for curve in curves], top / bottom)
    for curve, height in zip(curves, ends, strict=True):
        beside = {"xytext": (8, 0), "textcoords": "offset points", "va": "center", "annotation_clip": False}
        axes.annotate(curve.engine, (curve.batches[-1], height), color=colours[curve.library], **beside)  # type: ignore[arg-type]


def _factors(axes: Axes) -> None:
    axes.axhline(1.0, color="0.2", lw=1, zorder=0)
    of_loop: dict[str, Any] = {"ha": "right", "va": "top", "fontsize": 8, "color": "0.35"}
    axes.text(0.99, 0.97, "the loop itself", transform=axes.get_yaxis_transform(), **of_loop)
    log_ticks(axes.yaxis, "{:g}x".format)
    axes.set_ylabel("times as fast as the loop of the same library")


def _sizes(axes: Axes) -> None:
    log_ticks(axes.yaxis, numbers.size)
    axes.set_ylabel("peak memory of an engine with its first step")
