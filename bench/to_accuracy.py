"""Time to accuracy: engines trained side by side until the test accuracy is reached, and the record of it.

Larger batches make epochs faster and learning slower; which of the two wins depends on the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import msgspec

from backprop import InputError

from . import machine, records
from .datasets import Dataset
from .entry import Entry
from .grid import Cell
from .records import Environment
from .rounds import Clock
from .setting import Setting
from .train import Epoch, check, train

SCHEMA = 1
FILE = "training.jsonl"
ANCHOR = 10  # the batch size at which the learning rate is the one that was given


@dataclass(frozen=True)
class Goal:
    """The test accuracy to reach, a share; in how many epochs at the most; and at what rate at batch 10."""

    accuracy: float
    epoch_limit: int
    eta: float

    def learning_rate(self, batch: int) -> float:
        """The rate for a batch size, the same for every engine: in proportion to it below 10, and eta from there on.

        In proportion is the linear scaling rule of Goyal et al., 2017 (arXiv:1706.02677), which holds, as they
        say, up to some batch size only. For sigmoid layers with a quadratic cost, 10 is about as far as it goes:
        in proportion, and at batch 1000 with the square root of it (Krizhevsky, 2014, arXiv:1404.5997) as well,
        every unit saturates and nothing is learnt. `train --batch 1000 --eta 30` shows it.
        """
        return self.eta * min(1.0, batch / ANCHOR)


class Lesson(msgspec.Struct, frozen=True):
    """What one engine did: seconds of each epoch, test accuracy after it, and the first epoch that reached the target.

    reached is None where no epoch did. Testing is not in the seconds. commit is that of an engine named at a revision.
    """

    name: str
    seconds: list[float]
    accuracy: list[float]
    reached: int | None
    commit: str | None = None

    @property
    def seconds_to_target(self) -> float | None:
        return None if self.reached is None else sum(self.seconds[: self.reached])


class Training(msgspec.Struct, frozen=True):
    """One batch size and seed: every engine from the same network, over the same mini-batches."""

    schema: int
    cell: Cell
    eta: float
    seed: int
    target: float
    epoch_limit: int
    engines: list[Lesson]
    environment: Environment
    started: str
    elapsed_seconds: float

    @property
    def setting(self) -> Setting:
        return self.cell.setting_on(self.environment.machine)


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
    if not 0 < goal.accuracy <= 1:
        raise InputError(f"--to-accuracy must be a share above 0 and at most 1, such as 0.85, not {goal.accuracy:g}")
    for cell in cells:
        check(cell, dataset, goal.eta)

    def each() -> Iterator[Training]:
        for seed in seeds:  # all batch sizes of a seed before the next: a machine that slows down does so for all
            for cell in cells:
                yield _train(contestants, cell, dataset, goal, seed, clock, progress)

    return each()


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
            name: epoch.number
            for name, share in epoch.accuracy.items()
            if share >= goal.accuracy and name not in reached
        }
        progress(cell, seed, epoch)
        if len(reached) == len(contestants):
            break
    lessons = [
        Lesson(
            each.name,
            [epoch.seconds[each.name] for epoch in epochs],
            [epoch.accuracy[each.name] for epoch in epochs],
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
        goal.accuracy,
        goal.epoch_limit,
        lessons,
        msgspec.structs.replace(machine.environment(), throttled=throttled()),
        started,
        clock() - start,
    )


def prepare(folder: Path) -> Iterator[str]:
    """Make the folder's file ready for new lines after those that are there; says, in a line, what it found.

    What is left of a line that was cut off while it was written is removed. Raises InputError where the file can't be
    written, or holds training records that this version can't read.
    """
    path = folder / FILE
    before = path.stat().st_size if path.exists() else 0
    kept = records.recover(path, Training, SCHEMA)
    if before and path.stat().st_size < before:
        yield f"warning: the last line of {path} was cut off while it was written: it is removed"
    if kept:
        yield f"new training records are added to the {len(kept)} in {path}"


def load(folder: Path) -> tuple[list[Training], list[str]]:
    """The training records of a folder, none where it has no training.jsonl, and warnings, as of `records.load`."""
    return records.read(folder / FILE, Training, SCHEMA) if (folder / FILE).exists() else ([], [])
