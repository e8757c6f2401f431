"""The story of a folder's races: what was asked, the answer, why, from which batch size on, memory, how sure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from ..analysis import speedup_frame
from ..analysis.cost_model import Model
from ..cells.cell import format_sizes
from ..records.environment import doubts
from ..records.record import Record
from . import answer, crossing, guess, why
from .document import Block, Fold, Picture, Section, Table, Text
from .figures import factor_by_batch
from .machines import letters, placed
from .selection import on_a_grid

MEMORY = (
    "The most bytes that an engine and its first step hold at once, the batch not among them, as tracemalloc tells; "
    "PyTorch's are what its allocator reports, and JAX's what XLA plans. TensorFlow tells nothing."
)
SURE = (
    "Engines are timed in slices of some milliseconds, in turn and in random order, and compared within each round: "
    "what the machine does meanwhile, it does to all. Fresh engines in every pass average over where their arrays "
    "lie, and intervals are over passes, never over rounds. In every race the fastest engine is also raced against a "
    "second copy of itself; the noise floor is how far from 1 that interval reaches: a smaller difference was not "
    "resolved. A factor is the ratio of two engines within the same rounds, and a time is that of one engine by "
    "itself, a mean over passes: so the quotient of two times is a little off their factor."
)


def of_races(found: Sequence[Record], rows: pd.DataFrame, models: Sequence[Model], note: str) -> Iterator[Section]:
    """Its sections in order. note is the machine, the date and the noise floor."""
    told = [Text(line) for line in _asked(found, rows)]
    yield Section("What was asked", [*told, *(Text(line, small=True) for line in note.splitlines())])
    if control := guess.control(found, rows):
        yield Section("Guess first", [control])
    picture = Picture(factor_by_batch.STEM, "How many times as fast, against batch size")
    yield Section("The answer", [*_answers(found, rows), picture])
    if reasons := list(why.blocks(found, rows)):
        yield Section("Why", reasons)
    if crossings := list(crossing.blocks(found, models)):
        yield Section("From which batch size on", crossings)
    if on_a_grid(found):
        yield Section("What it costs in memory", list(_memory(found, rows)))
    disturbed = [Text(f"{doubt[0].upper()}{doubt[1:]}.") for doubt in doubts([one.environment for one in found])]
    yield Section("How sure", [Text(SURE), *_noise(rows), *disturbed])
    left_out = rows[rows["left_out"].notna()]
    if len(left_out):
        places = letters(rows["machine"])
        why_not = Table(
            ["cell", "engine", "why"],
            [[placed(row.cell, places[row.machine]), row.engine, row.left_out] for row in left_out.itertuples()],
            left=(0, 1, 2),
        )
        names = answer.listed([*dict.fromkeys(left_out["engine"])])
        cells = left_out["cell"].nunique()
        where = f"{cells} cell{'s' if cells > 1 else ''} of {rows['cell'].nunique()}"
        who = f"In {where} not every engine was timed. Left out, with the reason below: {names}."
        yield Section("Left out", [Text(who), Fold("Which, where and why", why_not)])


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
    yield f"Raced in {len(cells)} cell{'s' if len(cells) > 1 else ''}: {told}" + (
        f"; {epochs} of them an epoch of real data." if epochs else "."
    )


def _answers(found: Sequence[Record], rows: pd.DataFrame) -> Iterator[Text]:
    """The sentences of each machine."""
    for machine, place in letters(rows["machine"]).items():
        if place:
            yield Text(f"Machine {place}", strong=True)
        own = [record for record in found if record.environment.machine == machine]
        yield from map(Text, answer.sentences(own, rows[rows["machine"] == machine]))


def _memory(found: Sequence[Record], rows: pd.DataFrame) -> Iterator[Block]:
    pair = answer.headline(found)
    if pair and (told := answer.memory(pair, rows)):
        yield Text(answer.located(told, pair, found))
    yield Text(MEMORY)
    yield Picture("memory-by-batch", "Peak memory against batch size")


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
