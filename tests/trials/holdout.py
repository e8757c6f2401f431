"""How far off is the cost model on cells that no choice was made with?

    python -m tests.trials.holdout race SEED results/published/holdout [--cells 40] [--seconds 2]
    python -m tests.trials.holdout judge results/published/model results/published/holdout

`race` draws cells by the seed: depth, widths, inputs, outputs, batch, dtype and functions, none of the widths, inputs
and batch sizes that a named grid has; and races them into the folder, as a sweep would, on one thread. Called again, it
goes on. `judge` sets the models of the first folder against the second's timings: for each engine the median and the
worst relative error of a step, and of its parts how far each is off, in shares of the step that was raced. A table in
Markdown.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from math import exp, log
from pathlib import Path
from statistics import median

from backprop.functions import EVERYWHERE, HEADS
from bench.analysis import cost_model, intervals, shares
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


def missed(model: Model, found: list[Record]) -> Iterator[tuple[Cell, float, Shares | None]]:
    """Of each cell of the model's: the error of the whole step, and of its parts where they were raced.

    All are relative to the step that was raced.
    """
    for record in found:
        for result in record.contestants:
            whole = intervals.typical(result.seconds)
            if whole and result.name == model.engine and model.is_of(record.setting):
                told, parts = model.shares(record.cell), shares.measured(record, result)
                off = parts and [(own - raced) / whole.value for own, raced in zip(told, parts.shares, strict=True)]
                yield record.cell, sum(told) / whole.value - 1, Shares(*off) if off else None


def judged(models: list[Model], found: list[Record]) -> Iterator[str]:
    yield f"| engine | cells | median | worst | in | {' | '.join(COLUMNS)} |"
    yield "| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |"
    for engine in dict.fromkeys(model.engine for model in models):
        misses = [miss for model in models if model.engine == engine for miss in missed(model, found)]
        if misses:
            cell, worst, _ = max(misses, key=lambda miss: abs(miss[1]))
            middle = median(abs(error) for _, error, _ in misses)
            parts = [[abs(getattr(off, name)) for name in COLUMNS] for _, _, off in misses if off]
            told = " | ".join(f"{median(part):.1%}, {max(part):.0%}" for part in zip(*parts, strict=True))
            yield f"| {engine} | {len(misses)} | {middle:.1%} | {worst:+.0%} | {cell.id} | {told or '- | - | -'} |"


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
