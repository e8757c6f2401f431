"""Training as it is shown while it goes on: so many epochs side by side, or until a goal is reached."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from ..cells.cell import Cell
from ..cells.datasets import Dataset
from ..cells.entry import Entry
from ..records import outputs, store, training_record
from ..report import races, trainings
from ..timing import to_accuracy
from ..timing.to_accuracy import Goal
from ..timing.training import Epoch, check, hidden_at, train
from .console import show
from .progress import bar


def train_for(epochs: int, field: Sequence[Entry], cell: Cell, learned: Dataset, eta: float, seed: int) -> None:
    """So many epochs, a line for each."""
    check(cell, learned, eta)
    _tell_hidden(cell, learned, seed)
    done: list[Epoch] = []
    with bar() as progress:
        task = progress.add_task(f"{cell.id}, eta {eta:g}", total=epochs)
        for finished in train(field, cell, learned, eta=eta, epochs=epochs, seed=seed):
            if not done:
                show([trainings.epoch_heading(list(finished.seconds), learned.measure)])
            done.append(finished)
            show([trainings.epoch_line(finished, learned.measure)])
            progress.update(task, advance=1, refresh=True)
    show(trainings.conclusion(done, learned.measure))


def train_to(
    goal: Goal,
    field: Sequence[Entry],
    cells: Sequence[Cell],
    learned: Dataset,
    seeds: Sequence[int],
    out: Path | None,
) -> None:
    """Until the goal, a line for each seed and batch size, and its record."""
    done = []
    with ExitStack() as stack:
        progress = stack.enter_context(bar())
        task = progress.add_task("checking the engines", total=len(seeds) * len(cells))

        def tell(cell: Cell, seed: int, epoch: Epoch) -> None:
            told = f"seed {seed}, batch {cell.batch}, epoch {epoch.number}: {trainings.worst(epoch, learned.measure)}"
            progress.update(task, description=told, refresh=True)

        runs = to_accuracy.run(field, cells, learned, goal=goal, seeds=seeds, progress=tell)
        for cell in cells:
            _tell_hidden(cell, learned, seeds[0])
        if out:
            stack.enter_context(outputs.locked(out))
            show(training_record.prepare(out))
        for training in runs:
            done.append(training)
            show([trainings.in_a_line(training)])  # first: a full disk costs the record, not what it says
            if out:
                store.append(out, training, training_record.FILE)
            progress.update(task, advance=1, refresh=True)
    show(["", *trainings.describe(done)])
    if out:
        show([f"in {out}: {training_record.FILE}; backprop-bench report {out} draws it"])


def _tell_hidden(cell: Cell, learned: Dataset, seed: int) -> None:
    if blocks := hidden_at(cell, learned, seed):
        show([races.lost_in_rounding(cell, blocks)])
