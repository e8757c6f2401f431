"""How passes of the gate are run, until when, and whose fault it is where one fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..cells.cell import Cell
from ..cells.entry import Entry
from ..timing.process import ProcessError
from ..timing.slices import Clock
from .blame import Rivals, Standing, blame, starved
from .one_pass import BASE, CHANGE, TWIN, GateJob, Lap, Rounds

InProcess = Callable[[GateJob, float], list[Rounds]]


@dataclass(frozen=True)
class Jobs:
    """How passes are run, and until when."""

    against: str
    pin: bool
    in_process: InProcess
    end: float
    clock: Clock
    core_numbers: list[int] | None

    @property
    def left(self) -> float:
        return self.end - self.clock()

    @property
    def patience(self) -> float:
        """How long to wait for a process of which it is not known how long it takes: half of what is left."""
        return max(self.left / 2, 1.0)

    def run(self, rivals: Rivals, laps: list[Lap], timeout: float) -> list[Rounds] | Standing:
        """What a pass finds, lap by lap, or how the engine failed in it; raises ProcessError."""
        found = self._run(rivals.engine, laps, rivals.change, rivals.base, timeout)
        return failure(rivals.engine, [lap.cell for lap in laps], found, self.against) or found

    def blame(self, rivals: Rivals, laps: list[Lap], error: ProcessError) -> Standing:
        """The standing of an engine whose pass has ended so."""

        def trial(change: Entry, base: Entry) -> str | None:
            found = self._run(rivals.engine, laps, change, base, self.patience)
            return next((told for rounds in found for told in rounds.failed.values()), None)

        return blame(error, trial, rivals, self.against)

    def _run(self, engine: str, laps: list[Lap], change: Entry, base: Entry, timeout: float) -> list[Rounds]:
        entries = {CHANGE: change, BASE: base, TWIN: base}
        arms = {arm: entry.laid(arm) for arm, entry in entries.items()}
        return self.in_process(GateJob(engine, arms, laps, self.pin, self.core_numbers), timeout)


def failure(engine: str, cells: Sequence[Cell], found: Sequence[Rounds], base: str) -> Standing | None:
    """How an engine failed that raised or was wrong: in the cell where the change did so alone, if there is one."""
    failures = []
    for cell, rounds in zip(cells, found, strict=True):
        mine, before = rounds.failed.get(CHANGE), rounds.failed.get(BASE) or rounds.failed.get(TWIN)
        if starved(mine or before or ""):
            failures.append(Standing(engine, "inconclusive", f"in {cell.id}, {mine or before}"))
        elif mine and before:
            told = f"in {cell.id}, {mine}; it is not the change, {base} has it so too: {before}"
            failures.append(Standing(engine, "inconclusive", told))
        elif mine:
            failures.append(Standing(engine, "wrong", f"in {cell.id}, {mine}"))
        elif before:
            failures.append(Standing(engine, "new", f"{base} had it wrong: in {cell.id}, {before}"))
    return min(failures, key=lambda each: ("wrong", "inconclusive", "new").index(each.state), default=None)
