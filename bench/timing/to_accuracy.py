"""Time to accuracy, or to a cost: engines trained side by side until the test part tells so, and the record of it.

Larger batches make epochs faster and learning slower; which of the two wins depends on the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from time import perf_counter

import msgspec

from backprop import InputError

from ..cells.cell import Cell
from ..cells.datasets import Dataset, Measure
from ..cells.entry import Entry
from ..records.training_record import SCHEMA, EngineTraining, Training
from . import machine
from .slices import Clock
from .training import Epoch, check, train

ANCHOR = 10  # the batch size at which the learning rate is the one that was given


@dataclass(frozen=True)
class Goal:
    """The test accuracy, a share, or test cost to reach; in how many epochs at the most; at what rate at batch 10."""

    target: float
    epoch_limit: int
    eta: float
    measure: Measure = "accuracy"

    def check(self, dataset: Dataset) -> None:
        """Raises InputError where it is no goal, or none of these data."""
        if self.measure == "accuracy":
            if not 0 < self.target <= 1:
                raise InputError(
                    f"--to-accuracy must be a share above 0 and at most 1, such as 0.85, not {self.target:g}"
                )
            if not dataset.of_classes:
                raise InputError(f"the targets of {dataset.name} are no classes: name --to-cost for --to-accuracy")
        else:
            if not (isfinite(self.target) and self.target > 0):
                raise InputError(f"--to-cost must be a number above 0, such as 0.1, not {self.target:g}")
            if dataset.of_classes:
                raise InputError(f"the targets of {dataset.name} are classes: name --to-accuracy for --to-cost")

    def is_reached(self, score: float) -> bool:
        return score >= self.target if self.measure == "accuracy" else score <= self.target

    def learning_rate(self, batch: int) -> float:
        """The rate for a batch size, the same for every engine: in proportion to it below 10, and eta from there on.

        In proportion is the linear scaling rule of Goyal et al., 2017 (arXiv:1706.02677), which holds, as they
        say, up to some batch size only. For sigmoid layers with a quadratic cost, 10 is about as far as it goes:
        in proportion, and at batch 1000 with the square root of it (Krizhevsky, 2014, arXiv:1404.5997) as well,
        every unit saturates and nothing is learnt. `train --batch 1000 --eta 30` shows it.

        So it is for the other heads, where each was tried at batch 100 on the data of its rate, with sigmoid, tanh and
        relu hidden layers: in proportion tanh and relu do worse under every head than at eta, and sigmoid layers better
        under cross-entropy alone; the square root does better there, but for relu below sigmoids, and worse with tanh
        under every quadratic cost.
        """
        return self.eta * min(1.0, batch / ANCHOR)


def run(
    contestants: Sequence[Entry],
    cells: Sequence[Cell],
    dataset: Dataset,
    *,
    goal: Goal,
    seeds: Sequence[int],
    clock: Clock = perf_counter,
    progress: Callable[[Cell, int, Epoch], None] = lambda *_: None,
) -> Iterator[Training]:
    """Train in each cell from each seed until every engine has reached the goal, or its epochs are over.

    Whether it is reached is judged after each epoch, for each engine by its own network: that float64 engines
    reach it in the same epoch is to be expected, and nothing relies on it. progress hears of each epoch. Raises
    InputError at once, before anything is timed; EngineError as `train` does.
    """
    goal.check(dataset)
    for cell in cells:
        check(cell, dataset, goal.eta)

    # All batch sizes of a seed before the next: a machine that slows down does so for all.
    return (_train(contestants, cell, dataset, goal, seed, clock, progress) for seed in seeds for cell in cells)


def _train(
    contestants: Sequence[Entry],
    cell: Cell,
    dataset: Dataset,
    goal: Goal,
    seed: int,
    clock: Clock,
    progress: Callable[[Cell, int, Epoch], None],
) -> Training:
    started, start, throttled = datetime.now(UTC).isoformat(timespec="seconds"), clock(), machine.watch()
    rate = goal.learning_rate(cell.batch)
    epochs: list[Epoch] = []
    reached: dict[str, int] = {}
    for epoch in train(contestants, cell, dataset, eta=rate, epochs=goal.epoch_limit, seed=seed, clock=clock):
        epochs.append(epoch)
        reached |= {
            name: epoch.number for name, score in epoch.scores.items() if goal.is_reached(score) and name not in reached
        }
        progress(cell, seed, epoch)
        if len(reached) == len(contestants):
            break
    engines = [
        EngineTraining(
            each.name,
            [epoch.seconds[each.name] for epoch in epochs],
            [epoch.scores[each.name] for epoch in epochs],
            reached.get(each.name),
            each.commit,
        )
        for each in contestants
    ]
    return Training(
        SCHEMA,
        cell,
        rate,
        seed,
        goal.target,
        goal.epoch_limit,
        engines,
        msgspec.structs.replace(machine.environment(), throttled=throttled()),
        started,
        clock() - start,
        goal.measure,
    )
