"""A record: what one race found, of each contestant, in one cell and environment."""

from __future__ import annotations

import msgspec

from ..cells.cell import Cell, Setting
from .environment import Environment

SCHEMA = 2

Slices = list[list[float | None]]
"""Seconds per step, passes x rounds; None where a contestant sat a round out."""


class Part(msgspec.Struct, frozen=True):
    """What explains a result: the same engine in another cell, in the same rounds of the first passes."""

    cell: Cell
    seconds: Slices


class Result(msgspec.Struct, frozen=True):
    """What the race found of one contestant.

    left_out says why there are no seconds, or is None; failed says whether that is the engine's own fault.
    commit is that of an engine named at a revision, None where it is the work tree's. after is the engine that
    this one is one change away from. first_step_seconds is what the first step of all took: compilation, trials.
    by is, of a floor, the first engine named whose products they are; None where they are BLAS's, called from Python.
    peak_bytes is None where it is not known. cell is the one that it ran in, None for the record's. parts are there
    where a floor was raced, of an engine that ran in the record's cell: it on a network with one unit a layer, at the
    same batch and at a batch of one; and of a floor, it at a batch of one, too.
    """

    name: str
    seconds: Slices = []
    steps_per_slice: int | None = None
    gradient_error: float | None = None
    peak_bytes: int | None = None
    left_out: str | None = None
    failed: bool = False
    commit: str | None = None
    after: str | None = None
    first_step_seconds: float | None = None
    by: str | None = None
    cell: Cell | None = None
    parts: list[Part] = []


class Noise(msgspec.Struct, frozen=True):
    """The slices of a second copy of the contestant `of`, taken in the same rounds as its own."""

    of: str
    seconds: Slices


class Peak(msgspec.Struct, frozen=True):
    """The most that the machine does in the cell's dtype, with its threads, on its cores: the best of a few tries.

    flops_per_second are those of a large product of BLAS. copy_bytes_per_second, read and written ones together, are
    those of a copy between arrays of copied_bytes together, which is twice the last-level cache unless that is huge:
    then it is told by this number that it may not be memory's. cache_bytes_per_second is the same within second-level
    caches, None where their size is not known. hertz is what a core ran at, None where the system does not tell.
    """

    flops_per_second: float
    copy_bytes_per_second: float
    copied_bytes: int
    cache_bytes_per_second: float | None = None
    hertz: float | None = None


class Record(msgspec.Struct, frozen=True):
    """One race: the cell, what was found of each contestant in the order they were named, the noise, the floor.

    elsewhere has what was found of those that ran in a cell of their own, in the same rounds: nothing that is told of
    the cell is told of them.
    seconds is the time that it was given, and floor_asked whether a floor was to be raced: None in old records.
    lost_in_rounding names the blocks whose gradient, on the network that was raced, is so in its dtype: hidden in JSON.
    apart says that each pass was a process of its own; before there were such, one process ran them all. baseline is
    the contestant that speedups are relative to, where one was asked for. peak is None in old records, and where it
    could not be measured.
    """

    schema: int
    cell: Cell
    contestants: list[Result]
    noise: Noise | None
    environment: Environment
    started: str
    elapsed_seconds: float
    floor: Result | None = None
    seconds: float | None = None
    floor_asked: bool | None = None
    lost_in_rounding: list[str] = msgspec.field(name="hidden", default_factory=list)
    apart: bool = False
    baseline: str | None = None
    peak: Peak | None = None
    elsewhere: list[Result] = []

    @property
    def setting(self) -> Setting:
        return self.cell.setting_on(self.environment.machine)

    @property
    def failures(self) -> list[Result]:
        return [result for result in (*self.contestants, *self.elsewhere) if result.failed]
