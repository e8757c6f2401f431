"""What a folder's records say, section by section, as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from ..analysis import ladder, speedup_frame, speedups
from ..analysis.cost_model import Model
from ..cells.cell import format_sizes
from ..records.environment import doubts
from ..records.record import Record
from ..records.training_record import Training
from . import answer, functions_cost, roofline, trainings
from .document import Block, Code, Listing, Picture, Section, Table, Text
from .figures import accuracy_curves
from .grouping import KEYS, grid_of, setting, widths
from .machines import MOST_PICTURED, described, letters, placed
from .reproduce import commands
from .selection import in_sets, on_a_grid, pictured, told_of
from .tables import crossovers, every_cell, every_engine, first_steps, ladder_table, prices

FLOOR = (
    "The floor is the products of a step and nothing else; efficiency is its time over the engine's. The rest, up to "
    "100 %, goes into anything but products."
)
MEMORY = "Peak bytes of an engine with its first step, as tracemalloc sees them; the peers' allocators tell nothing."
SURE = (
    "Engines are timed in slices of some milliseconds, in turn and in random order, and compared within each round: "
    "what the machine does meanwhile, it does to all. Fresh engines in every pass average over where their arrays "
    "lie, and intervals are over passes, never over rounds. In every race the fastest engine is also raced against a "
    "second copy of itself; the noise floor is how far from 1 that interval reaches: a smaller difference was not "
    "resolved."
)
CELLS = (
    "MFLOP are those of the products of a step. A factor is the time of the engine that is changed, or of the peer, "
    "over the time of the engine; 'of floor' is efficiency, the floor's time over the engine's; in brackets, the "
    "engine whose library has the fastest products, where that is not BLAS."
)
PICTURED = (
    "The pictures over batch size and width are of one dtype, one number of threads and the same functions, named "
    "above each; the tables have them all, and the other pictures lie beside this file."
)
ACCURACY = (
    "Larger batches make epochs faster and learning slower. From each seed all engines start from the same network and "
    "see the same mini-batches, an epoch of each in turns, until the target is reached on the test part. Testing "
    "is not timed. The learning rate follows from the batch size, alike for all engines: in proportion below 10, the "
    "same from there."
)
FIRST = "What the first step of an engine in a cell took, with its compilation or trial, which no race times."
FASTEST = (
    "With its speed as a share of the floor's where that was raced; engines that the noise floor can't tell from the "
    "fastest stand beside it."
)
MODEL = (
    "A step is described by four prices, fitted to all cells of an engine, {setting} and number of threads: so much "
    "for each layer of a step and for each layer of a sample (the interpreter and its calls), the flop/s that the "
    "products achieve, and the bytes/s of the passes over parameters and activations. A dash is a price of nothing: "
    "the others explain the times without it. The errors are those of predictions of cells that a fit had not seen: "
    "each batch size left out in turn, and each of the layer sizes. The form of the model was chosen with grids such "
    "as the default one in view: elsewhere expect somewhat more."
)
BREAKS = (
    "An array too large for the second-level cache counts twice, where the record tells its size, and for an engine "
    "that sends samples through one by one so do the products. The model breaks where a mini-batch of one makes thin "
    "products, bound by memory, where a size lies just before the end of a cache, and where a second thread pays in "
    "some cells only."
)


def tell(
    found: Sequence[Record], rows: pd.DataFrame, models: Sequence[Model], trained: Sequence[Training], note: str
) -> Iterator[Section]:
    """The sections in order. note is the machine, the date and the noise floor."""
    if found:
        yield from _of_races(found, rows, models, note)
    if trained:
        yield Section(
            "Time to accuracy",
            [
                Text(ACCURACY),
                *(
                    Picture(stem, f"Test {measure} against seconds of training")
                    for measure, stem in accuracy_curves.STEMS.items()
                ),
                *trainings.blocks(trained),
            ],
        )
    if found:
        yield from _in_detail(found, rows)
    yield Section("Machine and versions", list(_machines([*found, *trained])))
    yield Section("How to reproduce", [Code(commands(found, trained))])


def _of_races(found: Sequence[Record], rows: pd.DataFrame, models: Sequence[Model], note: str) -> Iterator[Section]:
    races = on_a_grid(found)
    yield Section("What was asked", [Text(line) for line in (*_asked(found, rows), *note.splitlines())])
    yield Section("The answer", list(_answers(found, rows, models)))
    grid, places = grid_of(rows), list(letters(rows["machine"]).values())
    if len(places) > MOST_PICTURED:
        told = f"Pictured are machines A to {places[MOST_PICTURED - 1]} of {len(places)}; the tables have them all."
        yield Section("The machines", [Text(told)])
    if len(pictured(found, grid)) < len(grid):
        yield Section("On this page", [Text(PICTURED)], detail=True)
    engines = told_of(found)
    if races:
        yield Section(
            "Speedup over batch size and width",
            [
                Picture("speedup-heatmap", "Speedup in each cell", engines),
                Picture("speedup-by-batch", "Speedup against batch size", engines),
            ],
        )
    if top := ladder.headline(found):
        place = letters(rows["machine"])[top.record.environment.machine]
        yield Section(
            f"The ladder, at {placed(top.record.cell.id, place)}",
            [Picture("waterfall", "From the first rung down to the floor"), ladder_table(top)],
        )
    if races:
        yield Section("The fastest engine by cell", list(_fastest(found, rows, races)))
        heatmaps = Picture("efficiency-heatmap", "Efficiency in each cell", engines)
        yield Section("How near to the floor", [Text(FLOOR), heatmaps])
    if under := list(roofline.blocks(rows)):
        yield Section("How near to the machine: the roofline", under)
    if costs := list(functions_cost.blocks(found)):
        yield Section("What the functions cost", costs)
    if models:
        yield Section("Why: the cost model", list(_model(found, models)))
    if races:
        yield Section(
            "What it costs in memory", [Text(MEMORY), Picture("memory-by-batch", "Peak memory against batch size")]
        )


def _in_detail(found: Sequence[Record], rows: pd.DataFrame) -> Iterator[Section]:
    disturbed = [Text(f"{doubt[0].upper()}{doubt[1:]}.") for doubt in doubts([one.environment for one in found])]
    yield Section("How sure", [Text(SURE), *_noise(rows), *disturbed])
    if races := on_a_grid(found):
        yield Section("Every cell", [Text(CELLS), every_cell(races)])
        yield Section("Every cell and engine", [every_engine(rows)], detail=True)
        yield Section("First steps", [Text(FIRST), first_steps(rows)])
    left_out = rows[rows["left_out"].notna()]
    if len(left_out):
        told = [f"{row.cell}, {row.engine}: {row.left_out}" for row in left_out.itertuples()]
        yield Section("Left out", [Listing(told)])


def _asked(found: Sequence[Record], rows: pd.DataFrame) -> Iterator[str]:
    baselines = list(dict.fromkeys(rows["baseline"]))
    others = [name for name in dict.fromkeys(rows["engine"]) if name not in baselines] or ["another engine"]
    yield f"How much faster is a step of backprop by {', '.join(others)} than by {' or '.join(baselines)}?"
    cells = dict.fromkeys(record.cell for record in found)
    spans = [
        ("sizes", dict.fromkeys(format_sizes(cell.sizes) for cell in cells)),
        ("batch", sorted({cell.batch for cell in cells})),
        ("dtype", dict.fromkeys(cell.dtype for cell in cells)),
        ("BLAS threads", sorted({cell.threads for cell in cells})),
    ]
    if any(cell.setting_on().functions for cell in cells):
        spans.append(("hidden layers", dict.fromkeys(cell.hidden for cell in cells)))
        spans.append(("heads", dict.fromkeys(cell.head for cell in cells)))
    told = "; ".join(f"{name} {', '.join(map(str, values))}" for name, values in spans)
    epochs = sum(cell.data != "random" for cell in cells)
    yield f"Raced in {len(cells)} cells: {told}" + (f"; {epochs} of them an epoch of real data." if epochs else ".")


def _answers(found: Sequence[Record], rows: pd.DataFrame, models: Sequence[Model]) -> Iterator[Text]:
    """The sentences of each machine."""
    for machine, place in letters(rows["machine"]).items():
        if place:
            yield Text(f"Machine {place}", strong=True)
        own = [record for record in found if record.environment.machine == machine]
        yield from map(Text, answer.sentences(own, rows[rows["machine"] == machine], models))


def _fastest(found: Sequence[Record], rows: pd.DataFrame, races: Iterable[Record]) -> Iterator[Block]:
    """A table of width by batch for each other setting, with the engines that are level with the fastest."""
    yield Text(FASTEST)
    placed = {(record.environment.machine, record.cell.id): record for record in races}
    for _, part in in_sets(found, rows).groupby(KEYS, sort=False):
        batches = sorted(part["batch"].unique())
        cells = {(row.width, row.batch): placed.get((row.machine, row.cell)) for row in part.itertuples()}
        lines = [
            [hidden or "none", *(_winner(cells.get((hidden, batch))) for batch in batches)] for hidden in widths(part)
        ]
        yield Text(setting(part), strong=True)
        yield Table(["width", *(f"batch {batch}" for batch in batches)], lines)


def _winner(record: Record | None) -> str:
    level = speedups.fastest(record) if record else []
    if record is None or not level:
        return ""
    share = speedups.efficiency(record, level[0])
    names = ", ".join(result.name for result in level)
    return f"{names} {share.value:.0%}" if share else names


def _model(found: Sequence[Record], models: Sequence[Model]) -> Iterator[Block]:
    """The prices with their errors, what a step goes to, and the crossovers."""
    several = any(model.setting.functions for model in models)
    yield Text(MODEL.format(setting="dtype, set of functions" if several else "dtype"))
    if pair := answer.headline(found):
        cell = pair.record.cell
        own = [model for model in models if model.setting == pair.record.setting]
        told = [f"{answer.outside_products(model, cell)}" for model in own]
        if told:
            yield Text(f"At {cell.id}:", strong=True)
            yield Listing(told)
    yield prices(models)
    yield Text(BREAKS)
    yield Picture("cost-shares", "What a step goes to in each cell", told_of(found))
    if pair and (table := crossovers(models, pair.baseline.name, pair.challenger.name)).lines:
        overtakes = f"{pair.challenger.name} overtakes {pair.baseline.name}"
        yield Text(f"The batch size at which {overtakes}, with its 95 % interval:")
        yield table


def _noise(rows: pd.DataFrame) -> Iterator[Block]:
    """The noise floor of each machine."""
    for machine, place in letters(rows["machine"]).items():
        if noise := speedup_frame.noise(rows[rows["machine"] == machine]):
            head = f"On machine {place}" if place else "Here"
            told = (
                f"{noise.median:.1%} in the median of {noise.cells} cells and {noise.worst:.1%} in the worst, "
                f"{noise.worst_cell}"
            )
            yield Text(f"{head} it was {told}.")


def _machines(found: Sequence[Record | Training]) -> Iterator[Block]:
    """A table for each machine, of the last record that was made on it."""
    last = {record.environment.machine: record.environment for record in found}
    places = letters(last)
    for machine, about in last.items():
        if places[machine]:
            yield Text(f"Machine {places[machine]}", strong=True)
        yield described(about)
