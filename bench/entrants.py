"""Entrants: engines as another process, or another machine, finds them again, whatever changes meanwhile."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

import backprop

from . import revision
from .contestants import Contestant, load_file, resolve
from .revision import Tree
from .scratch import room, scratch


class Entrant(msgspec.Struct, frozen=True):
    """An engine as another process, or another machine, finds it again: the same code, whatever changes meanwhile.

    name is unique in its race. engine is a built-in's name or a user's file's, whose content is source. commit is that
    of an engine named at a revision. place is where the child finds the file, or the tree of the commit.
    """

    name: str
    engine: str
    source: bytes | None = None
    commit: str | None = None
    place: str | None = None

    @property
    def digest(self) -> str | None:
        """Sixteen hex digits of a digest of the user's file."""
        return None if self.source is None else hashlib.sha256(self.source).hexdigest()[:16]

    def contestant(self) -> Contestant:
        if self.place is None:
            return Contestant(self.name, backprop.load(self.engine))
        if self.commit is None:
            return Contestant(self.name, load_file(Path(self.place)))
        tree = Tree(self.name, Path(self.place), self.commit)
        return Contestant(self.name, revision.load(self.engine, tree).make, self.commit)


def enter(addresses: Sequence[str]) -> list[Entrant]:
    """The entrant at each address; InputError for an address at which there is no engine to race."""
    entrants = []
    for address, contestant in zip(addresses, resolve(addresses), strict=True):
        engine, _, rev = address.partition("@")
        if address.endswith(".py"):
            entrants.append(Entrant(contestant.name, Path(address).name, source=Path(address).read_bytes()))
        else:
            place = str(revision.lay(rev).folder) if rev else None
            entrants.append(Entrant(contestant.name, engine, commit=contestant.commit, place=place))
    return entrants


def lay(entrant: Entrant) -> Entrant:
    """The entrant with its source as a file, for the child to import; in this process's folder, as children crash."""
    if entrant.source is None:
        return entrant
    path = scratch() / str(entrant.digest) / entrant.engine
    with room():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(entrant.source)
    return msgspec.structs.replace(entrant, place=str(path))
