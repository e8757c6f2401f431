"""Which engines can a change have touched?  Those whose own files, or whose dependencies, are no longer the same.

The engines of both trees are imported in a process of its own, because some take the process down that imports them:
the parent calls `in_own_process`; the child runs this module.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from contextlib import suppress

import msgspec

from backprop import InputError

from ..cells import revisions
from ..cells.revisions import Loaded, Tree
from ..cells.source_code import essence
from ..timing import process
from ..timing.process import ProcessError
from .blame import Standing, blame


class Look(msgspec.Struct, frozen=True):
    """Two trees, and the engines to look at; None for all."""

    base: Tree
    change: Tree
    engines: list[str] | None


class Sight(msgspec.Struct, frozen=True):
    """An engine that both trees have: why it can't be loaded from either, whether it compiles, and is the same."""

    engine: str
    base_error: str | None
    change_error: str | None
    compiles: bool = False
    same_code: bool = False


class Seen(msgspec.Struct, frozen=True):
    """The names of all engines in the base and in the change; of those asked for that both have, a sight.

    refused says why there is nothing to be seen: a package that does not fit.
    """

    before: list[str] = []
    now: list[str] = []
    sights: list[Sight] = []
    refused: str | None = None


See = Callable[[Look], Seen]


def sort_out(
    asked: list[str] | None, base: Tree, change: Tree, everything: bool, see: See
) -> tuple[list[Standing], list[str]]:
    """Who need not or can't be raced, with the reason, and who is to be.

    Without `asked`, every engine is sorted out, and those that compile for seconds are left out. see looks in a
    process of its own, and raises ProcessError. Raises InputError for an engine asked for that neither tree has, or
    that can't be loaded here.
    """
    standings: list[Standing] = []
    try:
        seen = see(Look(base, change, asked))
    except ProcessError:
        seen = _one_by_one(asked, base, change, see, standings)
    if seen.refused:
        raise InputError(seen.refused)
    for engine in asked or ():
        if engine not in seen.now and engine not in seen.before:
            known = ", ".join(seen.now)
            if engine.isidentifier() or not engine:
                raise InputError(f"unknown engine {engine!r}: there are {known}")
            raise InputError(f"{engine}: the gate judges built-in engines, by name: {known}; {revisions.YOUR_OWN}")
    same_dependencies = _dependencies(base) == _dependencies(change)
    for engine in dict.fromkeys(asked or (*seen.before, *seen.now)):
        if engine not in seen.before:
            standings.append(Standing(engine, "new", f"not in {base.label}: there is nothing to compare it with"))
        elif engine not in seen.now:
            standings.append(Standing(engine, "removed", "no longer in the work tree"))
    to_race = []
    for sight in seen.sights:
        standing = _judge(sight, base.label, same_dependencies and not everything, bool(asked))
        if asked and standing and standing.state == "unavailable":
            raise InputError(standing.why)
        if standing:
            standings.append(standing)
        else:
            to_race.append(sight.engine)
    return standings, sorted(to_race)


def _judge(sight: Sight, base: str, may_skip: bool, asked: bool) -> Standing | None:
    """What stands in the way of a race, or makes it needless."""
    engine = sight.engine
    if sight.change_error:
        return Standing(engine, "unavailable" if sight.base_error else "wrong", sight.change_error)
    if sight.base_error:
        return Standing(engine, "new", f"nothing to compare it with: {sight.base_error}")
    if not asked and sight.compiles:
        return Standing(engine, "left out", "each process would compile it for seconds: name it with --engines")
    if may_skip and sight.same_code:
        return Standing(engine, "unchanged", f"the same code and dependencies as in {base}; not raced")
    return None


def _one_by_one(asked: list[str] | None, base: Tree, change: Tree, see: See, standings: list[Standing]) -> Seen:
    """What is seen where an engine takes the process down that imports it: it is added to the standings."""
    try:
        seen = see(Look(base, change, []))
    except ProcessError as error:
        raise InputError(f"the package of {base}, or of the work tree, can't be imported: {error}") from error
    sights = []
    for engine in sorted(set(asked or seen.now) & set(seen.before) & set(seen.now)):

        def trial(change: Tree, base: Tree, engine: str = engine) -> str | None:
            (sight,) = see(Look(base, change, [engine])).sights
            return sight.base_error

        try:
            sights += see(Look(base, change, [engine])).sights
        except ProcessError as error:
            standings.append(blame(engine, error, trial, base, change))
    return msgspec.structs.replace(seen, sights=sights)


def look(job: Look) -> Seen:
    """Import the engines of both trees."""
    try:
        before, now = revisions.names_of(job.base), revisions.names_of(job.change)
    except InputError as error:
        return Seen(refused=str(error))
    both = sorted(set(now if job.engines is None else job.engines) & set(before) & set(now))
    return Seen(list(before), list(now), [_sight(engine, job.base, job.change) for engine in both])


def _sight(engine: str, base: Tree, change: Tree) -> Sight:
    loaded: list[Loaded] = []
    errors: list[str | None] = []
    for tree in (base, change):
        try:
            loaded.append(revisions.import_engine(engine, tree))
            errors.append(None)
        except InputError as error:
            errors.append(str(error))
    base_error, change_error = errors
    if base_error or change_error:
        return Sight(engine, base_error, change_error)
    return Sight(engine, None, None, getattr(loaded[1].make, "compiles", False), _same_code(*loaded))


def _same_code(before: Loaded, now: Loaded) -> bool:
    """Whether all files behind the engine are the same, those among them that it imports only when it is used."""
    if essence(before.files()) != essence(now.files()):
        return False
    for loaded in (before, now):
        with suppress(InputError):
            loaded.try_interface()
    return essence(before.files()) == essence(now.files())


def _dependencies(tree: Tree) -> object:
    path = tree.folder / revisions.PROJECT
    try:
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return None
    return project.get("dependencies"), project.get("optional-dependencies")


def in_own_process(job: Look, timeout: float) -> Seen:
    """Look in a fresh process, killed after `timeout` seconds; ProcessError where that dies."""
    what = f"the process that loads {', '.join(job.engines) if job.engines else 'the engines'}"
    return process.call("bench.gate.touched", job, Seen, timeout=timeout, what=what)


if __name__ == "__main__":
    process.serve(Look, look)
