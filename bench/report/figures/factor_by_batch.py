"""The one picture of the answer: how many times as fast, against batch size, a curve for each engine of a network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from ...analysis import ladder
from ...cells.cell import format_sizes
from ...records.record import Record
from .. import numbers
from ..answer import Pair, headline
from ..machines import letters, placed
from .axes import apart, engine_colours
from .panels import Panel
from .speedup_curves import claims_on, set_axes

STEM = "factor-by-batch"
MOST = 6  # curves: of more engines, those on the ladder are drawn


def panel(found: Sequence[Record], rows: pd.DataFrame) -> Panel | None:
    """The engines of the network that a page tells of, on its machine; None where it was raced at one batch size."""
    pair = headline(found)
    if pair is None:
        return None
    sizes, like = format_sizes(pair.record.cell.sizes), pair.rows(rows)
    own = like[like["sizes"] == sizes]
    own = own[(own["engine"] != pair.baseline.name) & own["speedup"].notna()]
    if own["engine"].nunique() > MOST and (top := ladder.climb(pair.record)):
        own = own[own["engine"].isin([pair.challenger.name, *(rung.name for rung in top.rungs)])]
    told = own[own["engine"] == pair.challenger.name].sort_values("batch")
    if told["batch"].nunique() < 2:
        return None
    first, last = told.iloc[0], told.iloc[-1]
    finding = (
        f"{pair.challenger.name}: {numbers.factor(first['speedup'])} at batch {first['batch']}, "
        f"{numbers.factor(last['speedup'])} at batch {last['batch']}"
    )
    place = letters(rows["machine"])[pair.record.environment.machine]
    where = placed("; ".join([sizes, *pair.record.setting.told]), place)
    return Panel(pair.challenger.name, finding, where, partial(_draw, pair, own, engine_colours(rows["engine"])))


def _draw(pair: Pair, own: pd.DataFrame, colours: dict[str, Any], axes: Axes) -> None:
    """A curve for each engine; colours are those of all engines of the page, the baseline among them."""
    right, span = set_axes(axes, own)
    claims_on(axes, own[own["engine"] == pair.challenger.name], right)
    ends = []
    for engine in dict.fromkeys(own["engine"]):
        line, colour = own[own["engine"] == engine].sort_values("batch"), colours[engine]
        is_told = engine == pair.challenger.name
        axes.fill_between(line["batch"], line["speedup_low"], line["speedup_high"], color=colour, alpha=0.25, lw=0)
        axes.plot(line["batch"], line["speedup"], color=colour, marker="o", ms=4, lw=2.4 if is_told else 1.2)
        ends.append((line["speedup"].iloc[-1], engine, colour))
    heights = apart([value for value, *_ in ends], span)
    for (_, engine, colour), height in zip(ends, heights, strict=True):
        axes.annotate(
            engine, (right, height), xytext=(4, 0), textcoords="offset points", va="center", color=colour,
            fontsize=9, annotation_clip=False, fontweight="bold" if engine == pair.challenger.name else "normal",
        )  # fmt: skip
    axes.set_ylabel(f"times as fast as {pair.baseline.name}, 95 % band")
