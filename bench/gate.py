"""The gate: did a change slow an engine down?  The work tree raced against a git revision, engine by engine.

Each pass is a process of its own (gate_pass), passes are spread over the whole run, and go on only in the cells that
the rule (verdict) has not decided yet. What is found is a GateRecord; gate_report shows it.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import log, nan
from pathlib import Path
from statistics import fmean, median
from threading import Timer
from time import perf_counter

import msgspec
import numpy as np
from threadpoolctl import threadpool_limits

from backprop import InputError

from . import machine, revision
from .gate_pass import ARMS, BASE, CHANGE, TWIN, Job, Lap, Rounds
from .grid import Cell
from .race import Clock
from .records import Environment
from .revision import Loaded, Tree
from .stats import Estimate
from .verdict import ERROR, Row

SCHEMA = 1
SECONDS, ROUNDS = 0.04, 20  # of a pass in a cell, at the least: short, because many passes beat long ones

RunPass = Callable[[Job, float], list[Rounds]]
Progress = Callable[[int, int, float], None]


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


class Standing(msgspec.Struct):
    """An engine that was not raced to an end: unchanged, new, removed, unavailable, inconclusive or wrong; and why."""

    engine: str
    state: str
    why: str


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


@dataclass
class Track:
    """An engine in a cell while it is raced."""

    engine: str
    cell: Cell
    steps: int
    seconds: float
    row: Row
    passes: dict[str, list[list[float]]] = field(default_factory=lambda: {arm: [] for arm in ARMS})

    def add(self, rounds: Rounds) -> None:
        for arm in ARMS:
            self.passes[arm].append([float(f"{taken:.5g}") for taken in rounds.seconds[arm]])
        self.row.add(*pass_ratios(rounds.seconds))

    def finding(self) -> Finding:
        return Finding(
            self.engine,
            self.cell,
            self.row.verdict or "inconclusive",
            self.row.slowdown,
            self.row.noise,
            self.row.resolution,
            _why(self.row),
            self.row.may_be_slower,
            self.steps,
            self.passes,
        )


def gate(
    against: str,
    cells: Sequence[Cell],
    *,
    engines: Sequence[str] | None = None,
    tolerance: float,
    budget: float,
    everything: bool = False,
    pin: bool = True,
    rng: np.random.Generator,
    run_pass: RunPass | None = None,
    clock: Clock = perf_counter,
    progress: Progress = lambda *_: None,
) -> GateRecord:
    """Race the engines of the work tree against themselves at the revision `against`, for `budget` seconds at most.

    Without `engines`, all; without `everything`, only those whose code differs. progress is told how many rows
    are undecided, how many there are, and the seconds left. Raises InputError for a call that can't be met.
    """
    started, start = datetime.now(UTC).isoformat(timespec="seconds"), clock()
    end = start + budget
    base, change = revision.lay(against), revision.lay_work_tree()
    if pin:
        machine.pin_allocator()
    standings, to_race = sort_out(engines, base, change, everything)
    pass_of = run_pass or in_own_process
    jobs = Jobs(base, change, pin, pass_of, end, clock)
    with threadpool_limits(limits=max(cell.threads for cell in cells), user_api="blas"):
        environment = machine.environment()
    tracks = []
    for engine in to_race:
        found = check(engine, cells, jobs)
        if isinstance(found, Standing):
            standings.append(found)
        else:
            tracks.extend(found)
    for track in tracks:
        track.row = Row(tolerance, len(tracks))
    standings += run_passes(tracks, jobs, rng, progress)
    for track in tracks:
        track.row.close()
    return GateRecord(
        SCHEMA,
        against,
        base.commit or "",
        tolerance,
        budget,
        ERROR,
        [track.finding() for track in tracks],
        sorted(standings, key=lambda standing: standing.engine),
        environment,
        started,
        round(clock() - start, 3),
    )


def sort_out(
    asked: Sequence[str] | None, base: Tree, change: Tree, everything: bool
) -> tuple[list[Standing], list[str]]:
    """Who need not or can't be raced, with the reason, and who is to be."""
    before, now = revision.names_of(base), revision.names_of(change)
    for engine in asked or ():
        if engine not in now and engine not in before:
            raise InputError(f"unknown engine {engine!r}: there are {', '.join(now)}")
    same_dependencies = _dependencies(base) == _dependencies(change)
    standings, to_race = [], []
    for engine in sorted(set(asked or (*before, *now))):
        if engine not in before:
            standings.append(Standing(engine, "new", f"not in {base.label}: there is nothing to compare it with"))
        elif engine not in now:
            standings.append(Standing(engine, "removed", "no longer in the work tree"))
        else:
            standing = _compare(engine, base, change, same_dependencies and not everything)
            if standing:
                standings.append(standing)
            else:
                to_race.append(engine)
    return standings, to_race


def _compare(engine: str, base: Tree, change: Tree, may_skip: bool) -> Standing | None:
    """Load the engine from both trees: what stands in the way of a race, or makes it needless."""
    loaded: list[Loaded] = []
    errors: list[str | None] = []
    for tree in (base, change):
        try:
            loaded.append(revision.load(engine, tree))
            errors.append(None)
        except InputError as error:
            errors.append(str(error))
    if errors[1]:
        return Standing(engine, "unavailable" if errors[0] else "wrong", errors[1])
    if errors[0]:
        return Standing(engine, "new", f"nothing to compare it with: {errors[0]}")
    if may_skip and _files(loaded[0]) == _files(loaded[1]):
        return Standing(engine, "unchanged", f"the same code and dependencies as in {base.label}; not raced")
    return None


def _files(loaded: Loaded) -> dict[str, bytes]:
    """The files behind the engine, what it imports only when it is used among them."""
    with suppress(InputError):
        loaded.try_interface()
    return loaded.files()


def _dependencies(tree: Tree) -> object:
    path = tree.folder / revision.PROJECT
    try:
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return None
    return project.get("dependencies"), project.get("optional-dependencies")


@dataclass(frozen=True)
class Jobs:
    """How passes are run, and until when."""

    base: Tree
    change: Tree
    pin: bool
    run_pass: RunPass
    end: float
    clock: Clock

    @property
    def left(self) -> float:
        return self.end - self.clock()

    def run(self, engine: str, laps: list[Lap]) -> list[Rounds]:
        job = Job(engine, str(self.change.folder), str(self.base.folder), laps, self.pin)
        return self.run_pass(job, max(self.left, 1.0))


def check(engine: str, cells: Sequence[Cell], jobs: Jobs) -> list[Track] | Standing:
    """Check an engine of both trees in every cell, and find the steps of a slice; or how it failed."""
    try:
        found = jobs.run(engine, [Lap(cell, SECONDS) for cell in cells])
    except PassError as error:
        return Standing(engine, "inconclusive" if error.timed_out else "wrong", f"at its checks, {error}")
    standing = _failure(engine, cells, found, jobs.base)
    if standing:
        return standing
    tracks = []
    for cell, rounds in zip(cells, found, strict=True):
        step = median(rounds.seconds[BASE])
        seconds = max(SECONDS, ROUNDS * len(ARMS) * (rounds.steps + 1) * step)
        tracks.append(Track(engine, cell, rounds.steps, seconds, Row(0.0, 1)))
    return tracks


def _failure(engine: str, cells: Sequence[Cell], found: Sequence[Rounds], base: Tree) -> Standing | None:
    for arm, state, where in ((CHANGE, "wrong", ""), (BASE, "new", f"{base.label} had it wrong: "), (TWIN, "new", "")):
        for cell, rounds in zip(cells, found, strict=True):
            if arm in rounds.failed:
                return Standing(engine, state, f"{where}in {cell.id}, {rounds.failed[arm]}")
    return None


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
        for engine in engines:
            own = [track for track in undecided if track.engine == engine]
            planned = sum(track.seconds for track in own)
            if planned + overhead > jobs.left:
                return standings
            began = jobs.clock()
            try:
                found = jobs.run(engine, [Lap(track.cell, track.seconds, track.steps) for track in own])
            except PassError as error:
                if error.timed_out:
                    return standings
                failed: Standing | None = Standing(engine, "wrong", str(error))
            else:
                failed = _failure(engine, [track.cell for track in own], found, jobs.base)
            overhead = max(0.8 * overhead, jobs.clock() - began - planned)
            if failed:
                standings.append(failed)
                tracks[:] = [track for track in tracks if track.engine != engine]
            else:
                for track, rounds in zip(own, found, strict=True):
                    track.add(rounds)
    return standings


def pass_ratios(seconds: dict[str, list[float]]) -> tuple[float, float]:
    """A pass in a cell as two log-ratios: change over base, and twin over base.

    The first is the mean of the change's medians over the base and over its twin: the A/A arm's slices are not
    wasted, and by exchanging the names one sees that identical code gives 0 on average, also with skewed noise.
    """

    def over(numerator: str, denominator: str) -> float:
        return median(log(a / b) for a, b in zip(seconds[numerator], seconds[denominator], strict=True))

    return fmean((over(CHANGE, BASE), over(CHANGE, TWIN))), over(TWIN, BASE)


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


class PassError(RuntimeError):
    """The process of a pass ended without an answer: the message says how."""

    def __init__(self, message: str, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


def in_own_process(job: Job, timeout: float) -> list[Rounds]:
    """Run the pass in a fresh process, killed after `timeout` seconds, and with this process when that ends."""
    command = [sys.executable, "-m", f"{__package__}.gate_pass"]
    folder = Path(__file__).parents[1]  # where this very package is found, whatever lies in the current one
    with (
        (revision.scratch() / "stderr").open("w+b") as errors,
        subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, bufsize=0
        ) as process,
    ):
        timer = Timer(timeout, process.kill)
        timer.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(msgspec.json.encode(job) + b"\n")
            answer = process.stdout.read()
        except BrokenPipeError:
            answer = b""
        finally:
            timed_out = not timer.is_alive()
            timer.cancel()
            process.kill()
        status = process.wait()
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip().splitlines()
    try:
        return msgspec.json.decode(answer, type=list[Rounds])
    except msgspec.DecodeError as error:
        how = f"ran for more than {timeout:.0f} s" if timed_out else f"ended with status {status}"
        last = f": {said[-1]}" if said and not timed_out else ""
        raise PassError(f"the process of a pass {how}{last}", timed_out) from error


def _why(row: Row) -> str | None:
    """What stood in the way of a verdict."""
    if row.verdict != "inconclusive":
        return None
    if row.slowdown is None or row.noise is None:
        return "no time for a pass"
    if row.drowned:
        return f"two engines of the same code differ by {abs(row.noise.value - 1):.1%} here"
    if row.suspected and row.slowdown.low > row.limit:
        return "looked slower, but new passes had not confirmed it when the time was spent"
    return f"{len(row.slowdowns)} passes were not enough"
