"""The picture of time to accuracy, or to a cost: the score against seconds of training, a panel for each engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import ceil, isnan
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from ...analysis.time_to_accuracy import LINE, each_seed, settings
from ...cells.datasets import Measure
from ...records.training_record import Training
from .. import numbers, trainings
from .axes import foot, log_ticks, shades
from .panels import Panel
from .save import Draw
from .style import SMALL, style

STEMS: dict[Measure, str] = {"accuracy": "accuracy-by-seconds", "cost": "cost-by-seconds"}
WIDTH = 9.0  # inches
LABEL_INCHES = {True: 2.0, False: 1.4}  # what the longest label takes, with and without its epochs
LABEL_STEP = 0.1  # from one label to the next, on the axis of accuracy
COST_STEP = 0.08  # the same on the axis of cost, which is logarithmic: a share of its whole height


class Curve(NamedTuple):
    """One batch size: training seconds and scores after each epoch, up to the median seed's last."""

    seconds: Any  # (epochs,)
    scores: Any  # (3, epochs): median, lowest and highest over the seeds
    label: str
    epochs: str
    reached: bool
    best: bool


def draw(found: Sequence[Training]) -> Iterator[tuple[str, Draw]]:
    """A figure for each setting, under its file's name; that of a second one has -2 in it."""
    drawn = Counter[str]()
    for setting, engines in _settings(found):
        stem = STEMS[setting["measure"].iloc[0]]
        drawn[stem] += 1
        name = stem if drawn[stem] == 1 else f"{stem}-{drawn[stem]}"
        yield name, partial(_figure, setting, engines, found[-1].started[:10])


def _figure(setting: pd.DataFrame, engines: dict[str, list[Curve]], date: str) -> Figure:
    """The engines of a setting one below the other, over the same axes."""
    with style():
        figure = Figure(figsize=(WIDTH, 2.8 * len(engines) + 1.5), layout="constrained")
        grid = figure.subplots(len(engines), squeeze=False, sharex=True)[:, 0]
        finding, told = fill(trainings.finding(setting), 100), trainings.best(setting)
        figure.suptitle(finding, x=0.01, ha="left", fontweight="bold", fontsize=11)
        for axes, engine in zip(grid, engines, strict=True):
            axes.set_title(told[engine], loc="left", fontsize=10)
            _panel(axes, engine, engines, _target(setting), in_full=True)
            axes.label_outer()
        foot(figure, _note(setting, date))
    return figure


def panels(found: Sequence[Training], measure: Measure) -> Iterator[Panel]:
    """One for each setting of this measure and engine; those of a setting have the same axes."""
    for setting, engines in _settings([training for training in found if training.measure == measure]):
        told, title, target = trainings.best(setting), trainings.title(setting), _target(setting)
        for engine in engines:
            draw = partial(_panel, engine=engine, engines=engines, target=target, in_full=False)
            yield Panel(engine, told[engine], title, draw)


def _settings(found: Sequence[Training]) -> Iterator[tuple[pd.DataFrame, dict[str, list[Curve]]]]:
    """The summary of each setting, and the curves of each of its engines."""
    if not found:
        return
    seeds = each_seed(found).groupby(LINE)
    for setting in settings(found):
        engines: dict[str, list[Curve]] = {}
        for row in setting.itertuples():
            own = seeds.get_group(tuple(getattr(row, key) for key in LINE))
            engines.setdefault(row.engine, []).append(_curve(row, own))
        yield setting, engines


def _curve(row: Any, own: pd.DataFrame) -> Curve:
    """Median times of the epochs, added up to the median seconds; a seed that is done keeps its score."""
    reached = not isnan(row.epochs)
    last = ceil(row.epochs) if reached else max(map(len, own["scores"]))
    seconds = np.cumsum(
        [np.median([taken[epoch] for taken in own["epoch_seconds"] if epoch < len(taken)]) for epoch in range(last)]
    )
    if reached:  # a sum of medians is not the median sum, which the label names
        seconds *= row.seconds / seconds[-1]
    ends = [len(scores) if isnan(epochs) else int(epochs) for scores, epochs in own[["scores", "epochs"]].to_numpy()]
    kept = [
        [scores[min(epoch, end - 1)] for epoch in range(last)] for scores, end in zip(own["scores"], ends, strict=True)
    ]
    return Curve(
        seconds,
        np.array([np.median(kept, axis=0), np.min(kept, axis=0), np.max(kept, axis=0)]),
        f"batch {row.batch}: {numbers.seconds(row.seconds) if reached else 'not'}",
        f", {row.epochs:g} epoch{'' if row.epochs == 1 else 's'}" if reached else f" within {row.epoch_limit} epochs",
        reached,
        row.best,
    )


def _limits(engines: dict[str, list[Curve]], in_full: bool) -> tuple[float, float]:
    """The ends of a logarithmic axis of seconds: the last label fits in."""
    curves = [curve for own in engines.values() for curve in own]
    first = 0.8 * min(curve.seconds[0] for curve in curves)
    last = 1.2 * max(curve.seconds[-1] for curve in curves)
    share = LABEL_INCHES[in_full] / ((WIDTH if in_full else SMALL[0]) - 1)
    return first, last * (last / first) ** (share / (1 - share))


class Target(NamedTuple):
    """What was to be reached."""

    measure: Measure
    score: float


def _target(setting: pd.DataFrame) -> Target:
    return Target(setting["measure"].iloc[0], setting["target"].iloc[0])


def _scale(axes: Axes, target: Target, engines: dict[str, list[Curve]]) -> Callable[[int], float]:
    """Set the axis of scores, with room for the labels beyond the target; the height of the label in each place."""
    axes.axhline(target.score, color="0.5", lw=1, ls="--", zorder=0)
    labels = max(map(len, engines.values()))
    if target.measure == "accuracy":
        axes.set_ylim(0, target.score + 0.1 + LABEL_STEP * labels)
        axes.yaxis.set_major_locator(FixedLocator(list(np.arange(0, 1.01, 0.2))))
        return lambda place: target.score + 0.09 + LABEL_STEP * place
    highest = 1.1 * max(float(np.max(curve.scores)) for own in engines.values() for curve in own)
    room = COST_STEP * (labels + 1)
    whole = max(np.log(highest / target.score), np.log(2)) / (1 - room)
    axes.set(yscale="log", ylim=(target.score / np.exp(room * whole), target.score * np.exp((1 - room) * whole)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda cost, _: f"{cost:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    return lambda place: float(target.score * np.exp(-COST_STEP * whole * (place + 1)))


def _panel(axes: Axes, engine: str, engines: dict[str, list[Curve]], target: Target, in_full: bool) -> None:
    """The engine's curves to the target, on axes with room for any of them; in_full tells each one's epochs, too."""
    curves = engines[engine]
    axes.set(xscale="log", xlim=_limits(engines, in_full))
    height_of = _scale(axes, target, engines)
    beside: dict[str, Any] = {"xytext": (4, 0), "textcoords": "offset points", "va": "center"}
    at_end, text = ("axes fraction", "data"), f"target\n{target.score:.4g}"
    axes.annotate(text, (1, target.score), xycoords=at_end, color="0.35", annotation_clip=False, **beside)
    colours = shades(len(curves))
    by_time = sorted(range(len(curves)), key=lambda i: -curves[i].seconds[-1])  # the first to end has its label on top
    for place, i in enumerate(by_time):
        curve, colour = curves[i], colours[i]
        middle, low, high = curve.scores
        axes.fill_between(curve.seconds, low, high, color=colour, alpha=0.2, lw=0)
        axes.plot(curve.seconds, middle, color=colour)
        x, y, height = curve.seconds[-1], middle[-1], height_of(place)
        axes.plot(x, y, color=colour, marker="o" if curve.reached else "x")
        axes.vlines(x, y, height + 0.03 * (target.measure == "accuracy"), color=colour, lw=0.8)
        weight = "bold" if curve.best else "normal"
        label = curve.label + (curve.epochs if in_full or not curve.reached else "")
        axes.annotate(label, (x, height), color=colour, fontsize=8.5, fontweight=weight, **beside)
    log_ticks(axes.xaxis, numbers.seconds, fine=100)
    axes.set_xlabel("time in training (logarithmic; tests are off the clock)")
    axes.set_ylabel(f"test {target.measure}")


def _note(setting: pd.DataFrame, date: str) -> str:
    few, many = setting["seeds"].min(), setting["seeds"].max()
    seeds = f"{many} seed{'' if many == 1 else 's'}" if few == many else f"{few} to {many} seeds"
    what = f"{setting['data'].iloc[0]}, {trainings.network(setting)}; median of {seeds}, band: their range; {date}"
    return f"{what}\n{setting['machine'].iloc[0]}"
