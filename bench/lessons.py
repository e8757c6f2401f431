"""Training, told in the terminal: so many epochs side by side, or until an accuracy is reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from rich.markup import escape

from backprop.data import Dataset

from . import learning, outputs, records, to_accuracy, words
from .console import bar, show
from .entry import Entry
from .grid import Cell
from .to_accuracy import Goal
from .train import Epoch, check, hidden_at, train


def train_for(epochs: int, field: Sequence[Entry], cell: Cell, learned: Dataset, eta: float, seed: int) -> None:
    """So many epochs, a line for each."""
    lessons = Lessons([contestant.name for contestant in field])
    check(cell, learned, eta)
    _tell_hidden(cell, learned, seed)
    with bar() as progress:
        task = progress.add_task(f"{cell.id}, eta {eta:g}", total=epochs)
        for finished in train(field, cell, learned, eta=eta, epochs=epochs, seed=seed):
            show(lessons.add(finished))
            progress.update(task, advance=1, refresh=True)
    show(lessons.conclude())


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
            told = f"seed {seed}, batch {cell.batch}, epoch {epoch.number}: {min(epoch.accuracy.values()):.1%}"
            progress.update(task, description=told, refresh=True)

        runs = to_accuracy.run(field, cells, learned, goal=goal, seeds=seeds, progress=tell)
        for cell in cells:
            _tell_hidden(cell, learned, seeds[0])
        if out:
            stack.enter_context(outputs.locked(out))
            show(map(escape, to_accuracy.prepare(out)))
        for training in runs:
            done.append(training)
            show([escape(learning.in_a_line(training))])  # first: a full disk costs the record, not what it says
            if out:
                records.append(out, training, to_accuracy.FILE)
            progress.update(task, advance=1, refresh=True)
    show(["", *learning.describe(done)])
    if out:
        show([escape(f"in {out}: {to_accuracy.FILE}; backprop-bench report {out} draws it")])


def _tell_hidden(cell: Cell, learned: Dataset, seed: int) -> None:
    if blocks := hidden_at(cell, learned, seed):
        show([escape(f"{cell.id}: {words.hidden(blocks, cell.dtype)}")])


class Lessons:
    """A training run as lines to print: an epoch a line, then seconds per epoch side by side with their factor."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.widths = [max(len(name), 10) for name in names]
        self.epochs: list[Epoch] = []

    def add(self, epoch: Epoch) -> Iterator[str]:
        self.epochs.append(epoch)
        if len(self.epochs) == 1:
            titles = "  ".join(f"{name:>{width}} accuracy" for name, width in zip(self.names, self.widths, strict=True))
            yield escape(f"epoch  {titles}")
        cells = "  ".join(
            f"{words.seconds(epoch.seconds[name]):>{width}} {epoch.accuracy[name]:8.2%}"
            for name, width in zip(self.names, self.widths, strict=True)
        )
        yield f"{epoch.number:5}  {cells}"

    def conclude(self) -> Iterator[str]:
        """Medians over the epochs; each factor is the median of the epochs' own ratios."""
        first = self.names[0]
        for name in self.names:
            typical = median(epoch.seconds[name] for epoch in self.epochs)
            line = f"{name}: {words.seconds(typical)} an epoch, test accuracy {self.epochs[-1].accuracy[name]:.2%}"
            if name != first:
                gain = median(epoch.seconds[first] / epoch.seconds[name] for epoch in self.epochs)
                line += f"; {words.factor(gain)} as fast as {first}"
            yield escape(line)
