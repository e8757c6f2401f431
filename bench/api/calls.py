"""What Python calls: race, sweep, gate and load, as the commands of these names, with what they find as objects."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from backprop import Engine, InputError
from backprop.functions import HEAD, HIDDEN

from ..cells import entry, grids
from ..cells.cell import make_cell
from ..cells.grids import MAX_HOURS
from ..gate.field import repository_here
from ..gate.run import gate as run_gate
from ..gate.settings import Settings, terms
from ..records import store
from ..records.environment import Environment, doubts
from ..sweep.whole import sweep as run_sweep
from ..timing.one_pass import RaceJob, among
from ..timing.race import race as run_race
from . import arguments
from .judgement import Judgement
from .progress import Cells, Share
from .races import Races

EngineLike = str | type[Engine]
"""An address, such as full_matrix, mine.py, mypkg.engines:Tiled, each also @REV; or a class."""
Allocator = Literal["pinned", "default"]


def race(
    *engines: EngineLike,
    sizes: str = "784-30-10",
    batch: int = 10,
    dtype: str = "float64",
    threads: int = 1,
    hidden: str = HIDDEN,
    head: str = HEAD,
    data: str = "random",
    seconds: float = 5.0,
    floor: bool = True,
    baseline: str | None = None,
    allocator: Allocator = "pinned",
) -> Races:
    """Time engines side by side in one cell, for so many seconds; each gradient is checked first.

    sizes are the units of each layer, inputs first; batch is in samples; data is "random" or a data set, where a slice
    is an epoch over it. floor: whether the products of a step alone are raced, too. baseline is the engine that
    speedups are relative to: by default per_sample, or without it the first. An engine that is wrong, or raises, is
    left out, and the result says why. Raises InputError for a call that can't be met.
    """
    if not engines:
        raise InputError('name the engines to race, as in race("per_sample", "full_matrix")')
    seconds, pin = arguments.number("seconds", seconds), arguments.is_pinned(allocator)
    sizes, data = arguments.text("sizes", sizes, "784-30-10"), arguments.text("data", data, "mnist5k")
    batch, threads = arguments.whole("batch", batch), arguments.whole("threads", threads)
    with arguments.spelled(race):
        cell = make_cell(sizes, batch, dtype, threads, data, hidden=hidden, head=head)
        entries = entry.resolve(engines)
        job = RaceJob(cell, entries, seconds, floor, pin, among(baseline, entries))
    with Share(cell.id) as progress:
        record = run_race(job, progress=progress)
    _warn_of([record.environment])
    return Races([record])


def sweep(
    grid: str | Mapping[str, object],
    *engines: EngineLike,
    out: str | os.PathLike[str],
    seconds: float = 3.5,
    hidden: str | None = None,
    head: str | None = None,
    floor: bool = True,
    baseline: str | None = None,
    resume: bool = False,
    retry_failed: bool = False,
    max_hours: float = MAX_HOURS,
    dask: str | None = None,
    allocator: Allocator = "pinned",
) -> Races:
    """Race engines in each cell of a grid, for so many seconds each, into the folder `out`.

    grid is a named one, a .toml file, or what such a file may say: {"sizes": ["784-30-10"], "batch": [1, 10, 100]}. The
    rest is as in `race`. Each record is written as soon as it is there. With resume, what is missing in the folder is
    raced, and with retry_failed the cells in which an engine failed, too. What is expected to take more than max_hours
    is not begun. dask is the address of a scheduler, whose workers race. `report` and the other commands take the
    folder. Raises InputError for a call that can't be met.
    """
    if not engines:
        raise InputError('name the engines to race, as in sweep("smoke", "per_sample", "full_matrix", out="mine")')
    seconds, max_hours = arguments.number("seconds", seconds), arguments.number("max_hours", max_hours)
    arguments.is_pinned(allocator)
    with arguments.spelled(sweep):
        run_sweep(
            grids.cells_of(grid, here=dask is None, hidden=hidden, head=head),
            entry.resolve(engines),
            Path(out),
            Cells(),
            _warn,
            seconds=seconds,
            floor=floor,
            allocator=allocator,
            baseline=baseline,
            resume=resume,
            retry=retry_failed,
            max_hours=max_hours,
            dask=dask,
        )
    return load(out)


def gate(
    against: str | None = None,
    *,
    engines: str | Sequence[str] | None = None,
    grid: str | Mapping[str, object] | None = None,
    tolerance: str | float | None = None,
    budget: float | None = None,
    everything: bool = False,
    allocator: Allocator = "pinned",
) -> Judgement:
    """Tell whether the work tree of the current folder's repository is slower than a git revision, engine by engine.

    What is None is taken from [tool.backprop-bench] in pyproject.toml, else it is as for the command: against
    origin/main, the grid "gate", a tolerance of "2%" (or 0.02), a budget of 180 seconds. engines are addresses, in a
    list or as text, a,b,...; everything: race engines of unchanged code, too. Raises InputError for a call that can't
    be met.
    """
    home = repository_here()
    named = None if engines is None else arguments.by_address(engines)
    seconds = None if budget is None else arguments.number("the budget", budget)
    chosen = terms(
        home, Settings(named, dict(grid) if isinstance(grid, Mapping) else grid, against, tolerance, seconds)
    )
    pin = arguments.is_pinned(allocator)
    with Share("gate") as progress:
        record = run_gate(
            chosen.against,
            chosen.cells,
            home=home,
            engines=chosen.engines,
            tolerance=chosen.tolerance,
            budget=chosen.budget,
            everything=everything,
            pin=pin,
            rng=np.random.default_rng(),
            progress=lambda _undecided, _rows, left: progress(1 - left / chosen.budget),
        )
    _warn_of([record.environment])
    return Judgement(record)


def load(folder: str | os.PathLike[str], baseline: str | None = None) -> Races:
    """The races of a results folder, those that count; with another baseline where one is named.

    Raises InputError where the folder has no records, or nobody raced the baseline.
    """
    found, told = store.load(Path(folder))
    for line in told:
        warnings.warn(line, stacklevel=2)
    return Races(found).relative_to(baseline) if baseline else Races(found)


def _warn_of(environments: Sequence[Environment]) -> None:
    for doubt in doubts(environments):
        _warn(doubt)


def _warn(told: str) -> None:
    """A warning at the line that has called `race`, `sweep` or `gate`."""
    warnings.warn(told, stacklevel=4)
