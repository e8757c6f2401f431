"""The record of a training: what each engine needed to a test accuracy, or cost, from one seed at one batch size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from ..cells.cell import Cell, Setting
from ..cells.datasets import Measure
from . import store
from .environment import Environment

SCHEMA = 2
FILE = "training.jsonl"


class EngineTraining(msgspec.Struct, frozen=True):
    """What one engine did: seconds of each epoch, its score after it, and the first epoch that reached the target.

    In the file scores are `accuracy`, as they were before there were others; the record's measure says which they are.

    reached is None where no epoch did. Testing is not in the seconds. commit is that of an engine named at a revision.
    """

    name: str
    seconds: list[float]
    scores: list[float] = msgspec.field(name="accuracy")
    reached: int | None
    commit: str | None = None

    @property
    def seconds_to_target(self) -> float | None:
        return None if self.reached is None else sum(self.seconds[: self.reached])


class Training(msgspec.Struct, frozen=True):
    """One batch size and seed: every engine from the same network, over the same mini-batches.

    target is of the test part's measure: an accuracy to reach or exceed, or a cost to reach or fall below.
    """

    schema: int
    cell: Cell
    eta: float
    seed: int
    target: float
    epoch_limit: int
    engines: list[EngineTraining]
    environment: Environment
    started: str
    elapsed_seconds: float
    measure: Measure = "accuracy"

    @property
    def setting(self) -> Setting:
        return self.cell.setting_on(self.environment.machine)


def prepare(folder: Path) -> Iterator[str]:
    """Make the folder's file ready for new lines after those that are there; says, in a line, what it found.

    What is left of a line that was cut off while it was written is removed. Raises InputError where the file can't be
    written, or holds training records that this version can't read.
    """
    path = folder / FILE
    before = path.stat().st_size if path.exists() else 0
    kept = store.recover(path, Training, SCHEMA)
    if before and path.stat().st_size < before:
        yield f"warning: the last line of {path} was cut off while it was written: it is removed"
    if kept:
        yield f"new training records are added to the {len(kept)} in {path}"


def load(folder: Path) -> tuple[list[Training], list[str]]:
    """The training records of a folder, none where it has no training.jsonl, and warnings, as of `store.load`."""
    return store.read(folder / FILE, Training, SCHEMA) if store.files(folder / FILE) else ([], [])
