"""How far off is the cost model on cells that no choice was made with?

    python -m tests.trials.holdout race SEED results/published/holdout [--cells 40] [--seconds 2]
    python -m tests.trials.holdout judge results/published/model results/published/holdout

`race` draws cells by the seed: depth, widths, inputs, outputs, batch, dtype and functions, none of the widths, inputs
and batch sizes that a named grid has; and races them into the folder, as a sweep would, on one thread. Called again, it
goes on. `judge` sets the models of the first folder against the second's timings: for each engine the median and the
worst relative error of a step's seconds; then, at the pace of the race, which the calls of the other engines in it tell
(bench/analysis/pace.py), the same once more, and how far each part is off, in shares of the step that was raced. A
table in Markdown.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from math import exp, log
from pathlib import Path
from statistics import median
from typing import NamedTuple

from backprop.functions import EVERYWHERE, HEADS
from bench.analysis import cost_model, pace
from bench.analysis.cost_model import Model
from bench.analysis.shares import Shares
from bench.cells import entry, grids
from bench.cells.cell import Cell, format_sizes, make_cell
from bench.records import store
from bench.records.record import Record
from bench.report.parts import COLUMNS
from bench.sweep.folder import FILE
from bench.sweep.whole import sweep
from bench.terminal.console import warn
from bench.terminal.progress import SweepBar

ENGINES = "per_sample,stacked,full_matrix,in_place,fused,numba_jit"
DEPTHS, OUTPUTS = (1, 3), (2, 20)  # hidden layers, and units: from, to
INPUTS, WIDTHS, BATCHES = (8, 1000), (5, 600), (1, 1000)  # drawn by their logarithm


def drawn(seed: int, number: int) -> list[Cell]:
    """Cells with no width, input or batch size of a named grid."""
    known = [cell for name in grids.NAMED for cell in grids.cells_of(name, here=False)]
    inputs, batches = {cell.sizes[0] for cell in known}, {cell.batch for cell in known}
    widths = {width for cell in known for width in cell.sizes[1:-1]}
    draw = random.Random(seed)

    def unseen(span: tuple[int, int], seen: set[int]) -> int:
        low, high = map(log, span)
        while (value := round(exp(draw.uniform(low, high)))) in seen:
            pass
        return value

    def one() -> Cell:
        hidden = [unseen(WIDTHS, widths) for _ in range(draw.randint(*DEPTHS))]
        sizes = (unseen(INPUTS, inputs), *hidden, draw.randint(*OUTPUTS))
        functions = {"hidden": draw.choice(list(EVERYWHERE)), "head": draw.choice(list(HEADS))}
        dtype = draw.choice(grids.BOTH)
        return make_cell(format_sizes(sizes), unseen(BATCHES, batches), dtype, 1, **functions)

    return [one() for _ in range(number)]


class Missed(NamedTuple):
    """What a model said of a cell, less what was raced: of the step, the same at its pace, of the parts at its pace.

    All are relative to the step that was raced; off is None where its parts were not.
    """

    cell: Cell
    error: float
    at_pace: float
    off: Shares | None


def missed(models: Iterable[Model], record: Record) -> Iterator[tuple[str, Missed]]:
    """Of each engine of a race that has a model for its cell."""
    timings = cost_model.timings_of(record)
    known = {model.engine: model for model in models if model.engine in timings and model.is_of(record.setting)}
    calls = {
        name: (parts.calls_alone, model.shares(record.cell.bare.alone).calls)
        for name, model in known.items()
        if (parts := timings[name].parts)
    }
    for name, model in known.items():
        cell, seconds, parts = timings[name]
        told = model.shares(cell, pace.of_race(both for other, both in calls.items() if other != name))
        off = parts and [(own - raced) / seconds for own, raced in zip(told, parts.shares, strict=True)]
        errors = [predicted / seconds - 1 for predicted in (model.seconds(cell), sum(told))]
        yield name, Missed(cell, *errors, Shares(*off) if off else None)


def judged(models: Sequence[Model], found: Iterable[Record]) -> Iterator[str]:
    yield f"| engine | cells | median | worst | in | at its pace | worst | {' | '.join(COLUMNS)} |"
    yield "| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |"
    misses: dict[str, list[Missed]] = {}
    for record in found:
        for name, miss in missed(models, record):
            misses.setdefault(name, []).append(miss)
    for engine in dict.fromkeys(model.engine for model in models if model.engine in misses):
        own = misses[engine]
        worst, worst_at_pace = max(own, key=lambda miss: abs(miss.error)), max((miss.at_pace for miss in own), key=abs)
        middles = [
            median(map(abs, errors)) for errors in ([miss.error for miss in own], [miss.at_pace for miss in own])
        ]
        parts = [[abs(getattr(miss.off, name)) for name in COLUMNS] for miss in own if miss.off]
        told = " | ".join(f"{median(part):.1%}, {max(part):.0%}" for part in zip(*parts, strict=True)) or "- | - | -"
        yield (
            f"| {engine} | {len(own)} | {middles[0]:.1%} | {worst.error:+.0%} | {worst.cell.id} "
            f"| {middles[1]:.1%} | {worst_at_pace:+.0%} | {told} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    race, judge = commands.add_parser("race"), commands.add_parser("judge")
    race.add_argument("seed", type=int)
    race.add_argument("folder", type=Path)
    race.add_argument("--cells", type=int, default=40)
    race.add_argument("--seconds", type=float, default=2.0)
    race.add_argument("--engines", default=ENGINES)
    judge.add_argument("folders", type=Path, nargs=2, metavar="FOLDER")
    given = parser.parse_args()
    if given.command == "judge":
        fitted, held_out = (store.load(folder)[0] for folder in given.folders)
        print("\n".join(judged(cost_model.models(fitted), held_out)))
        return
    sweep(
        drawn(given.seed, given.cells),
        entry.resolve(given.engines.split(",")),
        given.folder,
        SweepBar(given.folder),
        warn,
        seconds=given.seconds,
        floor=True,
        allocator="pinned",
        baseline=None,
        resume=(given.folder / FILE).exists(),
        retry=False,
        max_hours=1,
        dask=None,
    )


if __name__ == "__main__":
    sys.exit(main())
