"""Entrants: engines as another process, or another machine, finds them again, whatever changes meanwhile."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

import msgspec

import backprop
from backprop import EngineError, InputError, Network

from . import engine_file, revision
from .contestants import Contestant, load_file, resolve
from .revision import Tree
from .scratch import room, scratch


class Entrant(msgspec.Struct, frozen=True):
    """An engine as another process, or another machine, finds it again: the same code, whatever changes meanwhile.

    name is unique in its race. engine is a built-in's name or a user's file's, whose content is source, and helpers
    those of its helpers by path below its folder. commit is that of an engine named at a revision. place is where the
    child finds the file, or the tree of the commit; alias, the module by which it imports the file.
    """

    name: str
    engine: str
    source: bytes | None = None
    helpers: dict[str, bytes] = {}
    commit: str | None = None
    place: str | None = None
    alias: str | None = None

    @property
    def digest(self) -> str | None:
        """Sixteen hex digits of a digest of the user's file and its helpers."""
        if self.source is None:
            return None
        content = hashlib.sha256(self.source)
        for name, helper in self.helpers.items():
            content.update(f"{name}\n{len(helper)}\n".encode())
            content.update(helper)
        return content.hexdigest()[:16]

    def contestant(self) -> Contestant:
        """The engine, imported. What keeps a user's file from that is the fault of its engine alone."""
        if self.place is None:
            return Contestant(self.name, backprop.load(self.engine))
        if self.source is not None:
            assert self.alias, self
            sys.dont_write_bytecode = True  # beside the user's helpers, which steps may import later
            try:
                return Contestant(self.name, load_file(Path(self.place), self.name, Path(self.alias)))
            except InputError as error:
                return Contestant(self.name, partial(_refuse, str(error)))
        tree = Tree(self.name, Path(self.place), self.commit)
        return Contestant(self.name, revision.load(self.engine, tree).make, self.commit)


def enter(addresses: Sequence[str]) -> list[Entrant]:
    """The entrant at each address; InputError for an address at which there is no engine to race."""
    entrants = []
    for address, contestant in zip(addresses, resolve(addresses), strict=True):
        engine, _, rev = address.partition("@")
        if address.endswith(".py"):
            file = engine_file.load(Path(address), address)
            entrants.append(
                Entrant(contestant.name, Path(address).name, file.source, file.helpers, place=str(file.path))
            )
        else:
            place = str(revision.lay(rev).folder) if rev else None
            entrants.append(Entrant(contestant.name, engine, commit=contestant.commit, place=place))
    return entrants


def lay(entrant: Entrant) -> Entrant:
    """The entrant with a module for its file, for the child to import; in this process's folder, as children crash.

    The file itself is where it was, with the data beside it, unless it or a helper has changed meanwhile, or this is
    another machine: then it is a copy of what it was.
    """
    if entrant.source is None:
        return entrant
    path = Path(entrant.place or entrant.engine)
    if not engine_file.lie_in(path.parent, {path.name: entrant.source, **entrant.helpers}):
        path = scratch() / str(entrant.digest) / entrant.engine
        with room():
            for name, content in {entrant.engine: entrant.source, **entrant.helpers}.items():
                (path.parent / name).parent.mkdir(parents=True, exist_ok=True)
                (path.parent / name).write_bytes(content)
    return msgspec.structs.replace(entrant, place=str(path), alias=str(engine_file.lay_alias(path)))


def _refuse(why: str, _: Network) -> NoReturn:
    raise EngineError(why)
