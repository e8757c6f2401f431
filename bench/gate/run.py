"""The gate: did a change slow an engine down?  The work tree raced against a git revision, engine by engine.

Each pass is a process of its own (one_pass), passes are spread over the whole run, and go on only in the cells that
the rule has not decided yet. What is found is a GateRecord; show and figure show it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from math import nan
from pathlib import Path
from statistics import median
from time import perf_counter

import msgspec
import numpy as np

from backprop import InputError

from ..cells import revisions
from ..cells.cell import Cell
from ..timing import machine
from ..timing.process import ProcessError
from ..timing.slices import Clock
from . import touched
from .blame import Rivals, Standing
from .field import assemble, refuse_unnamed
from .findings import SCHEMA, GateRecord
from .jobs import InProcess, Jobs
from .one_pass import ARMS, BASE, CHANGE, Lap, in_own_process
from .rule import ERROR, Row
from .touched import Look, Sight, sort_out
from .track import Track

SECONDS, ROUNDS = 0.04, 20  # of a pass in a cell, at the least: short, because many passes beat long ones

PATIENCE, LEAST_PATIENCE = 10.0, 30.0  # a pass hangs that takes so many times what it should, and so many seconds
LOOK_SECONDS = 60.0  # to import the engines, as both have them, at the most

LEFT_OUT = "left out"

Progress = Callable[[int, int, float], None]


def gate(
    against: str,
    cells: Sequence[Cell],
    *,
    home: Path,
    engines: list[str] | None = None,
    tolerance: float,
    budget: float,
    everything: bool = False,
    pin: bool = True,
    rng: np.random.Generator,
    in_process: InProcess = in_own_process,
    see: Callable[[Look, float], list[Sight]] = touched.in_own_process,
    clock: Clock = perf_counter,
    progress: Progress = lambda *_: None,
) -> GateRecord:
    """Race engines of the work tree against themselves at the revision `against`, for `budget` seconds at most.

    They lie in the repository `home`. Without `engines`, in this project's own, all but those that compile for seconds;
    without `everything`, only those whose code differs. progress is told how many rows are undecided, how many there
    are, and the seconds left. Raises InputError for a call that can't be met.
    """
    started, start = datetime.now(UTC).isoformat(timespec="seconds"), clock()
    end = start + budget
    if not engines:
        refuse_unnamed(home)
    base, change = revisions.lay(against, home), revisions.lay_work_tree(home)
    field, standings = assemble(engines, base, change)
    if pin:
        machine.pin_allocator()
    threads = max(cell.threads for cell in cells)
    with machine.reserved(threads) as (numbers, shared):
        jobs = Jobs(against, pin, in_process, end, clock, numbers)
        told, to_race = sort_out(
            field, against, bool(engines), everything, lambda job: see(job, min(jobs.patience, LOOK_SECONDS))
        )
        standings += told
        with machine.alone(threads, numbers):  # as each pass is, in its process
            environment, throttled = machine.environment(), machine.watch()
        laps: dict[str, list[Lap]] = {}
        for rivals in to_race:
            laps[rivals.engine], told = check_engine(rivals, cells, jobs)
            standings += told
        rows = sum(map(len, laps.values()))
        unfit = [each for each in standings if each.engine in laps and each.state == LEFT_OUT]
        if to_race and len(unfit) == len(to_race) and not rows:
            raise InputError(f"nothing can be raced: {unfit[0].engine} is left out {unfit[0].why}")
        tracks = [Track(rivals, lap, Row(tolerance, rows)) for rivals in to_race for lap in laps[rivals.engine]]
        standings += run_passes(tracks, jobs, rng, progress)
    for track in tracks:
        track.row.close()
    return GateRecord(
        schema=SCHEMA,
        against=against,
        commit=base.commit or "",
        tolerance=tolerance,
        budget_seconds=budget,
        error=ERROR,
        findings=[track.finding() for track in tracks],
        standings=sorted(standings, key=lambda standing: standing.engine),
        environment=msgspec.structs.replace(environment, cores_shared=shared, throttled=throttled()),
        started=started,
        elapsed_seconds=round(clock() - start, 3),
    )


def check_engine(rivals: Rivals, cells: Sequence[Cell], jobs: Jobs) -> tuple[list[Lap], list[Standing]]:
    """Check an engine, as both have it, in every cell; find how long a pass there is to be, or why there is none."""
    first = [Lap(cell, SECONDS) for cell in cells]
    try:
        found = jobs.run(rivals, first, jobs.patience)
    except ProcessError as error:
        found = jobs.blame(rivals, first, error)
    if isinstance(found, Standing):
        return [], [found]
    laps, unfit = [], list[tuple[Cell, str]]()
    for cell, rounds in zip(cells, found, strict=True):
        if rounds.unfit:
            arm, why = next(iter(rounds.unfit.items()))
            unfit.append((cell, f"as {'the work tree' if arm == CHANGE else jobs.against} has it, {why}"))
        else:
            one_round = len(ARMS) * (rounds.steps + 1) * median(rounds.seconds[BASE])
            laps.append(Lap(cell, max(SECONDS, ROUNDS * one_round), rounds.steps))
    if not unfit:
        return laps, []
    (cell, why), *others = unfit
    where = f"in {cell.id}" + (f" and {len(others)} more" if others else "")
    return laps, [Standing(rivals.engine, LEFT_OUT, f"{where}: {why}")]


def run_passes(tracks: list[Track], jobs: Jobs, rng: np.random.Generator, progress: Progress) -> list[Standing]:
    """Pass after pass, engines and cells in random order, until every row is decided or the time is spent.

    An engine that fails on the way is taken off the tracks, and returned with the reason.
    """
    standings: list[Standing] = []
    overhead = 1.0  # what a pass takes beyond its laps: the longest seen of late
    total = len(tracks)
    while undecided := [track for track in tracks if track.row.verdict is None]:
        progress(len(undecided), total, jobs.left)
        engines = sorted({track.engine for track in undecided})
        rng.shuffle(engines)
        rng.shuffle(undecided)
        time_for_any = False
        for engine in engines:
            own = _fitting([track for track in undecided if track.engine == engine], jobs.left - overhead)
            if not own:
                continue
            time_for_any = True
            laps = [track.lap for track in own]
            planned, began = sum(lap.seconds for lap in laps), jobs.clock()
            patience = max(PATIENCE * (planned + overhead), LEAST_PATIENCE)
            try:
                found = jobs.run(own[0].rivals, laps, max(min(patience, jobs.left), 1.0))
            except ProcessError as error:
                if error.timed_out and jobs.left <= 0:
                    return standings
                found = jobs.blame(own[0].rivals, laps, error)
            if isinstance(found, Standing):
                standings.append(found)
                tracks[:] = [track for track in tracks if track.engine != engine]
            else:
                for track, rounds in zip(own, found, strict=True):
                    track.add(rounds)
            overhead = max(0.8 * overhead, jobs.clock() - began - planned)
        if not time_for_any:
            break
    return standings


def _fitting(tracks: Sequence[Track], seconds: float) -> list[Track]:
    """As many of the tracks as there is time for, the long ones left out first, in the order given."""
    fitting, spent = set(), 0.0
    for track in sorted(tracks, key=lambda track: track.lap.seconds):
        spent += track.lap.seconds
        if spent <= seconds:
            fitting.add(track)
    return [track for track in tracks if track in fitting]


def parse_share(text: str) -> float:
    """A share from text such as 2% or 0.02."""
    number, percent = text.removesuffix("%"), text.endswith("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = nan
    if not 0 < share < 1:
        raise InputError(f"the tolerance must lie between 0% and 100%, such as 2% or 0.02, not {text!r}")
    return share
