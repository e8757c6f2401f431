"""What a run of the gate has found: the verdict on each engine in each cell, with every slice that it rests on."""

from __future__ import annotations

import msgspec

from ..analysis.intervals import Estimate
from ..cells.cell import Cell
from ..records.environment import Environment
from .blame import Standing

SCHEMA = 2


class Finding(msgspec.Struct):
    """An engine in a cell: the verdict and what it rests on; seconds per step of each arm, passes x rounds.

    slowdown is the time of the change over that of the base, and noise the same of the A/A arm, with intervals at
    the error that the whole run is held to. resolution is the smallest slowdown that could have been told, as a
    share; why says what stood in the way of a verdict.
    """

    engine: str
    cell: Cell
    verdict: str
    slowdown: Estimate | None
    noise: Estimate | None
    resolution: float | None
    why: str | None
    may_be_slower: bool
    steps_per_slice: int
    seconds: dict[str, list[list[float]]]


class GateRecord(msgspec.Struct):
    """All that a run of the gate found, in the order of the engines and cells."""

    schema: int
    against: str
    commit: str
    tolerance: float
    budget_seconds: float
    error: float
    findings: list[Finding]
    standings: list[Standing]
    environment: Environment
    started: str
    elapsed_seconds: float

    @property
    def red(self) -> bool:
        """Whether an engine regressed, or was made wrong."""
        return any(found.verdict == "regressed" for found in self.findings) or any(
            standing.state == "wrong" for standing in self.standings
        )

    @property
    def open(self) -> bool:
        """Whether a slowdown beyond the tolerance could be there and could not be told."""
        return any(found.verdict == "inconclusive" and found.may_be_slower for found in self.findings) or any(
            standing.state == "inconclusive" for standing in self.standings
        )
