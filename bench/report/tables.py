"""The tables of a report: the ladder, cells, engines, first steps, prices of the cost model, crossovers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import pandas as pd

from backprop.functions import EVERYWHERE

from ..analysis import ladder, speedups
from ..analysis.cost_model import Model
from ..analysis.crossover import crossover
from ..analysis.intervals import Estimate
from ..analysis.ladder import Ladder, Rung
from ..analysis.work import DTYPES
from ..cells.cell import format_sizes
from ..records.record import Record
from . import answer, numbers
from .document import Number, Table
from .machines import letters, placed
from .parts import COLUMNS

Words = Callable[[float], str]


def ladder_table(top: Ladder) -> Table:
    """A line for each rung, the floor, and each engine beside the ladder."""
    first = top.rungs[0]

    def line(rung: Rung, compared: str) -> list[str]:
        of_first = ladder.between(top.record, first.name, rung.name)
        of_floor = ladder.between(top.record, top.floor.name, rung.name) if top.floor else None
        return [
            rung.name,
            numbers.seconds(rung.seconds.value),
            compared,
            numbers.factor(of_first.value) if of_first and rung is not first else "",
            f"{of_floor.value:.0%}" if of_floor and rung is not top.floor else "",
        ]

    def faster(rung: Rung) -> str:
        return f"{numbers.estimate(rung.factor)} as fast as {rung.base}" if rung.factor else ""

    def beside(rung: Rung) -> str:
        return f"{rung.base} is {numbers.estimate(rung.factor.inverse)} as fast" if rung.factor else ""

    lines = [line(rung, faster(rung)) for rung in top.rungs]
    if top.floor:
        lines.append(line(top.floor, f"the products alone: {faster(top.floor)}"))
    lines += [line(rung, beside(rung)) for rung in top.beside]
    return Table(["engine", "a step", "factor (95 % interval)", f"over {first.name}", "of floor"], lines)


def every_cell(races: Sequence[Record]) -> Table:
    """A line for each cell: each rung against the one that it changes, the best of them against the peers."""
    tops = [top for record in races if (top := ladder.climb(record))]
    steps = list(dict.fromkeys(rung.name for top in tops for rung in top.rungs if _has_base(tops, rung.name)))
    peers = list(dict.fromkeys(rung.name for top in tops for rung in top.beside))
    places = letters(top.record.environment.machine for top in tops)
    lines = []
    for top in tops:
        noise = speedups.noise_floor(top.record)
        rungs = {rung.name: rung for rung in (*top.rungs, *top.beside)}
        lines.append(
            [
                placed(top.record.cell.id, places[top.record.environment.machine]),
                f"{top.record.cell.flops / 1e6:.3g}",
                *(_factor(rungs.get(name)) for name in steps),
                ", ".join(top.level),
                _of_floor(top),
                *(_factor(rungs.get(name), inverse=True) for name in peers),
                f"{noise:.1%}" if noise is not None else "",
            ]
        )
    headings = ["cell", "MFLOP", *steps, "best of ours", "of floor", *(f"against {peer}" for peer in peers), "noise"]
    return Table(headings, lines)


def every_engine(rows: pd.DataFrame) -> Table:
    """A line for each cell and engine that was timed."""
    columns: dict[str, tuple[str, Words]] = {
        "a step": ("seconds_per_step", numbers.seconds),
        "speedup": ("speedup", numbers.factor),
        "from": ("speedup_low", numbers.factor),
        "to": ("speedup_high", numbers.factor),
        "of floor": ("efficiency", "{:.0%}".format),
        "noise": ("noise_floor", "{:.1%}".format),
        "predicted": ("predicted_seconds", numbers.seconds),
        **{name: (column, "{:.0%}".format) for name, column in COLUMNS.items()},
        "memory": ("peak_bytes", numbers.size),
    }
    timed = rows[rows["seconds_per_step"].notna()]
    shown = {heading: column for heading, column in columns.items() if timed[column[0]].notna().any()}
    split = timed["shares_are"].notna().any()
    places = letters(rows["machine"])
    lines = [
        [
            placed(row["cell"], places[row["machine"]]),
            row["engine"],
            *(
                "" if pd.isna(row[column]) else Number.of(write(row[column]), row[column])
                for column, write in shown.values()
            ),
            *(["" if pd.isna(row["shares_are"]) else row["shares_are"]] if split else []),
        ]
        for row in timed.to_dict("records")
    ]
    return Table(["cell", "engine", *shown, *(["parts are"] if split else [])], lines, left=(0, 1), sortable=True)


def first_steps(rows: pd.DataFrame) -> Table:
    """A line for each engine and machine: the median over the cells, and the longest."""
    places = letters(rows["machine"])
    taken = rows[rows["data"] == "random"].groupby(["machine", "engine"], sort=False)["first_step_seconds"]
    lines = [
        [placed(engine, places[machine]), numbers.seconds(own.median()), numbers.seconds(own.max())]
        for (machine, engine), own in taken
        if own.notna().any()
    ]
    return Table(["engine", "median", "longest"], lines)


def prices(models: Sequence[Model]) -> Table:
    """A line for each engine and number of threads: main prices, those at the machine's bound, errors not seen."""
    places = letters(model.place.machine for model in models)
    return Table(
        [
            "engine",
            "threads",
            "layer",
            "layer of a sample",
            "products",
            "parameters",
            "gradient of a sample",
            "activations",
            "at the pace of the cache",
            "median error",
            "worst seen so far",
            "in",
        ],
        [
            [
                model.engine,
                placed(str(model.place), places[model.place.machine]),
                *(
                    numbers.seconds(price) if price else "-"
                    for price in map(model.price, ("layer", "layer of a sample"))
                ),
                _rates("GFLOP/s", [model.price(f"multiplications and additions, {dtype}") for dtype in DTYPES]),
                _rates("GB/s", [model.price("parameters")]),
                _rates("GB/s", [model.price("gradient of a sample")]),
                _rates("GB/s", map(model.price, EVERYWHERE)),
                ", ".join(term.name for term in model.at_least) or "-",
                f"{model.median_error:.1%}",
                f"{model.worst.error:+.0%}",
                model.worst.cell.id,
            ]
            for model in models
        ],
    )


def _rates(unit: str, each: Iterable[float]) -> str:
    """Billions a second, of prices in seconds: from the lowest to the highest, a dash where there is no price."""
    rates = [f"{1e-9 / price:.3g}" for price in sorted(each, reverse=True) if price]
    return " to ".join(dict.fromkeys([*rates[:1], *rates[-1:]])) + f" {unit}" if rates else "-"


def crossovers(models: Sequence[Model], baseline: str, challenger: str) -> Table:
    """A line for each network and setting that both ran: the batch size at which the challenger overtakes."""
    places = letters(model.place.machine for model in models)
    baselines = {model.place: model for model in models if model.engine == baseline}
    lines = []
    for model in models:
        slow = baselines.get(model.place)
        if slow is None or model.engine != challenger:
            continue
        for network in dict.fromkeys(cell.alone for cell in model.cells):
            if not slow.is_of(network.setting_on(model.place.machine)):
                continue
            level = crossover(slow, model, network)
            place = placed(str(network.setting_on()), places[model.place.machine])
            lines.append([format_sizes(network.sizes), place, _crossover(level)])
    return Table(["sizes", "setting", "crossover"], lines, left=(0, 1))


def _crossover(level: Estimate | None) -> str:
    if level is None:
        return "never"
    if level.high < 1:
        return "from batch 1 on"
    return f"{answer.at_batch(level.value)} ({answer.at_batch(level.low)} to {answer.at_batch(level.high)})"


def _of_floor(top: Ladder) -> str:
    """The efficiency of the fastest rung, and whose products the floor's are where they are not BLAS's from Python."""
    if not (top.floor and top.floor.factor and top.record.floor):
        return ""
    by = top.record.floor.by
    return f"{1 / top.floor.factor.value:.0%}" + (f" ({by})" if by else "")


def _has_base(tops: Sequence[Ladder], name: str) -> bool:
    return any(rung.name == name and rung.base for top in tops for rung in top.rungs)


def _factor(rung: Rung | None, inverse: bool = False) -> str:
    if rung is None or rung.factor is None:
        return ""
    return numbers.factor((rung.factor.inverse if inverse else rung.factor).value)
