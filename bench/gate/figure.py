"""What the gate found, drawn: the interval of each cell around 1, a panel for each engine."""

from __future__ import annotations

from math import ceil, sqrt
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from backprop import InputError

from ..report.figures import save
from ..report.figures.axes import foot
from ..report.figures.style import style
from .findings import GateRecord
from .show import VERDICTS, engine_line, engines_with, headline, of_engine, terms

COLOURS = dict(zip(VERDICTS, ("#b2182b", "#e08214", "#2166ac", "0.45"), strict=True))
FAR = 5.4  # an axis ends there at the latest


def form(plot: Path | None) -> str:
    """The format that a plot's name asks for; InputError where it is neither .png nor .svg."""
    if plot and plot.suffix not in (".png", ".svg"):
        raise InputError(f"the plot must be a .png or .svg file, not {plot}")
    return plot.suffix[1:] if plot else "png"


def draw(record: GateRecord, form: str) -> bytes:
    """The figure as png or svg."""
    return save.encode(drawn(record), form)


def drawn(record: GateRecord) -> Figure:
    """The figure."""
    engines = engines_with(record)
    columns = max(min(len(engines), 4), ceil(sqrt(len(engines))), 1)  # neither side longer than a picture can be
    rows = ceil(len(engines) / columns)
    lines = max((len(of_engine(record, engine)) for engine in engines), default=0)
    with style():
        figure = Figure(figsize=(7.5 * columns, 1.0 + max(rows, 1) * (1.0 + 0.32 * lines)), layout="constrained")
        if not engines:
            figure.suptitle(headline(record))
        for place, engine in enumerate(engines, start=1):
            _panel(figure.add_subplot(rows, columns, place), record, engine)
        marks = "bar: the slowdown's interval; band: tolerance; hollow circle: the A/A arm, identical code"
        foot(figure, f"{marks}\n{terms(record)}; {record.started[:10]}\n{record.environment.machine}")
    return figure


def _panel(axes: Axes, record: GateRecord, engine: str) -> None:
    cells = of_engine(record, engine)
    limit = 1 + record.tolerance
    axes.axvspan(1 / limit, limit, color="0.92", lw=0)
    axes.axvline(1, color="0.2", lw=1)
    reach = 2 * record.tolerance
    for line, found in enumerate(cells):
        colour = COLOURS[found.verdict]
        beside = {"xytext": (6, 0), "textcoords": "offset points", "va": "center", "annotation_clip": False}
        axes.annotate(found.verdict, (1.0, line), xycoords=("axes fraction", "data"), color=colour, **beside)  # type: ignore[arg-type]
        if found.slowdown and found.noise:
            axes.plot(found.noise.value, line, marker="o", markersize=5, mfc="none", mec="0.6", zorder=1)
            axes.plot([found.slowdown.low, min(found.slowdown.high, FAR)], [line, line], color=colour, lw=2)
            axes.plot(found.slowdown.value, line, marker="o", markersize=5, color=colour)
            reach = max(reach, found.slowdown.high - 1, 1 - found.slowdown.low)
    axes.set_yticks(range(len(cells)), [found.cell.id for found in cells])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(cells) - 0.5, -0.5)
    axes.set_xlim(max(0.0, 1 - 1.1 * reach), min(1 + 1.1 * reach, FAR))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{ratio:.3g}"))
    axes.set_xlabel(f"slowdown: time of the change over time at {record.against}")
    gravest = next(verdict for verdict in COLOURS if of_engine(record, engine, verdict))
    axes.set_title(engine_line(record, engine, gravest), loc="left", fontweight="bold")
