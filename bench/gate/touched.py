"""Which engines can a change have touched?  Those whose own code, or whose dependencies, are no longer the same.

The engines are imported in a process of its own, because some take the process down that imports them: the parent calls
`in_own_process`; the child runs this module.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from backprop import InputError

from ..cells import engine_loading
from ..cells.engine_code import Code
from ..cells.engine_loading import Loaded, SharedError
from ..cells.entry import Entry
from ..cells.source_code import essence
from ..timing import process
from ..timing.process import ProcessError
from .blame import Rivals, Standing, blame


class Look(msgspec.Struct, frozen=True):
    """Engines to look at, laid for it."""

    field: list[Rivals]


class Sight(msgspec.Struct, frozen=True):
    """Of an engine: why it can't be loaded from base or change, whether it compiles, and is the same.

    base_lacks is the package that the base needs, and that is not installed here. shared says why they can't be told
    apart in one process.
    """

    engine: str
    base_error: str | None
    change_error: str | None
    base_lacks: str | None = None
    shared: str | None = None
    compiles: bool = False
    same_code: bool = False


See = Callable[[Look], list[Sight]]


def sort_out(
    field: Sequence[Rivals], against: str, named: bool, everything: bool, see: See
) -> tuple[list[Standing], list[Rivals]]:
    """Who need not or can't be raced, with the reason, and who is to be.

    Unless they were `named`, those that compile for seconds are left out. see looks in a process of its own, and
    raises ProcessError. Raises InputError for an engine named that can't be loaded here.
    """
    standings: list[Standing] = []
    try:
        sights = see(_look_at(*field)) if field else []
    except ProcessError:
        sights = _one_by_one(field, against, see, standings)
    by_name = {rivals.engine: rivals for rivals in field}
    to_race = []
    for sight in sights:
        if sight.shared:
            raise InputError(sight.shared)
        rivals = by_name[sight.engine]
        same = sight.same_code and not everything and _same_dependencies(rivals)
        standing = _judge(sight, against, same, named)
        if named and standing and standing.state == "unavailable":
            raise InputError(standing.why)
        if standing:
            standings.append(standing)
        else:
            to_race.append(rivals)
    return standings, to_race


def _judge(sight: Sight, against: str, same: bool, named: bool) -> Standing | None:
    """What stands in the way of a race, or makes it needless."""
    engine = sight.engine
    if sight.change_error:
        return Standing(engine, "unavailable" if sight.base_error else "wrong", sight.change_error)
    if sight.base_lacks:
        needed = f"the package {sight.base_lacks} is not installed here: install it, to compare with that revision"
        return Standing(engine, "unavailable", f"{sight.base_error}; {needed}")
    if sight.base_error:
        return Standing(engine, "new", f"nothing to compare it with: {sight.base_error}")
    if not named and sight.compiles:
        return Standing(engine, "left out", "each process would compile it for seconds: name it with --engines")
    if same:
        return Standing(engine, "unchanged", f"the same code and dependencies as in {against}; not raced")
    return None


def _one_by_one(field: Sequence[Rivals], against: str, see: See, standings: list[Standing]) -> list[Sight]:
    """What is seen where an engine takes the process down that imports it: it is added to the standings."""
    sights = []
    for rivals in field:

        def trial(change: Entry, base: Entry, engine: str = rivals.engine) -> str | None:
            (sight,) = see(_look_at(Rivals(engine, change, base)))
            return sight.base_error

        try:
            sights += see(_look_at(rivals))
        except ProcessError as error:
            standings.append(blame(error, trial, rivals, against))
    return sights


def _look_at(*field: Rivals) -> Look:
    return Look([Rivals(each.engine, each.change.laid("change"), each.base.laid("base")) for each in field])


def look(job: Look) -> list[Sight]:
    """Import each engine, as the base and as the change has it."""
    sights = []
    for rivals in job.field:
        try:
            sights.append(_sight(rivals))
        except SharedError as error:
            sights.append(Sight(rivals.engine, None, None, shared=str(error)))
    return sights


def _sight(rivals: Rivals) -> Sight:
    loaded: list[Loaded] = []
    errors: list[str | None] = []
    lacks = None
    for entry in (rivals.base, rivals.change):
        assert entry.code is not None, entry
        assert entry.alias is not None, entry
        try:
            loaded.append(engine_loading.load(entry.code, entry.label, Path(entry.alias)))
            errors.append(None)
        except SharedError:
            raise
        except InputError as error:
            errors.append(str(error))
            if entry is rivals.base and isinstance(error.__cause__, ModuleNotFoundError):
                missing = error.__cause__.name or ""
                lacks = missing if missing.isidentifier() else None  # else a module of its own
    base_error, change_error = errors
    if base_error or change_error:
        return Sight(rivals.engine, base_error, change_error, lacks)
    compiles = getattr(loaded[1].make, "compiles", False)
    return Sight(rivals.engine, None, None, compiles=compiles, same_code=_same_code(rivals, *loaded))


def _same_code(rivals: Rivals, before: Loaded, now: Loaded) -> bool:
    """Whether all modules behind the engine are the same, those among them that it imports only when it is used."""
    for entry, loaded in ((rivals.base, before), (rivals.change, now)):
        with suppress(InputError):
            engine_loading.try_interface(loaded.make, entry.label)
        engine_loading.refuse_shared(loaded.code, entry.label)
    return essence(before.modules()) == essence(now.modules())


def _same_dependencies(rivals: Rivals) -> bool:
    base, change = rivals.base.code, rivals.change.code
    return bool(base and change and _dependencies(base) == _dependencies(change))


def _dependencies(code: Code) -> object:
    """What the nearest pyproject.toml above the engine's file says of them; None where there is none in its tree."""
    for folder in code.path.parents:
        with suppress(OSError, KeyError, ValueError):
            project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
            return project.get("dependencies"), project.get("optional-dependencies")
        if folder == Path(code.folder):
            break
    return None


def in_own_process(job: Look, timeout: float) -> list[Sight]:
    """Look in a fresh process, killed after `timeout` seconds; ProcessError where that dies."""
    what = f"the process that loads {', '.join(rivals.engine for rivals in job.field)}"
    return process.call("bench.gate.touched", job, list[Sight], timeout=timeout, what=what)


if __name__ == "__main__":
    process.serve(Look, look)
