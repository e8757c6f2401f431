"""Which engines can a change have touched?  Those whose own files, or whose dependencies, are no longer the same."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from backprop import InputError

from . import revision
from .revision import Loaded, Tree


class Standing(msgspec.Struct):
    """An engine not raced to an end, and why: unchanged, new, removed, unavailable, left out, inconclusive or wrong."""

    engine: str
    state: str
    why: str


def sort_out(
    asked: Sequence[str] | None, base: Tree, change: Tree, everything: bool
) -> tuple[list[Standing], list[str]]:
    """Who need not or can't be raced, with the reason, and who is to be.

    Without `asked`, every engine is sorted out, and those that compile for seconds are left out. Raises
    InputError for an engine asked for that neither tree has, or that can't be loaded here.
    """
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
            standing = _compare(engine, base, change, same_dependencies and not everything, bool(asked))
            if asked and standing and standing.state == "unavailable":
                raise InputError(standing.why)
            if standing:
                standings.append(standing)
            else:
                to_race.append(engine)
    return standings, to_race


def _compare(engine: str, base: Tree, change: Tree, may_skip: bool, asked: bool) -> Standing | None:
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
    if not asked and getattr(loaded[1].make, "compiles", False):
        return Standing(engine, "left out", "each process would compile it for seconds: name it with --engines")
    if may_skip and _same_code(*loaded):
        return Standing(engine, "unchanged", f"the same code and dependencies as in {base.label}; not raced")
    return None


def _same_code(before: Loaded, now: Loaded) -> bool:
    """Whether all files behind the engine are the same, those among them that it imports only when it is used."""
    if before.files() != now.files():
        return False
    for loaded in (before, now):
        with suppress(InputError):
            loaded.try_interface()
    return before.files() == now.files()


def _dependencies(tree: Tree) -> object:
    path = tree.folder / revision.PROJECT
    try:
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return None
    return project.get("dependencies"), project.get("optional-dependencies")
