"""An engine as it was named: from its address (NAME, NAME@REV, or a user's file) to a factory of fresh engines.

An entry travels, as JSON, to other processes and machines, and is there the same code, whatever changes meanwhile.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import NoReturn

import msgspec

import backprop
from backprop import Engine, EngineError, InputError, Network
from backprop.engine import Calls, engine_in
from backprop.network import Array

from . import engine_file, revisions
from .cell import check_name
from .revisions import Tree
from .temporary_folder import room, scratch


class Identity(msgspec.Struct, frozen=True):
    """By what an engine is known again: the commit that its revision was, or the digest of a user's file."""

    name: str
    commit: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        version = self.commit or self.digest
        return f"{self.name} ({version[:10]})" if version else self.name


class Entry(msgspec.Struct, frozen=True, dict=True):
    """An engine as it was named, to be made in any process; name is unique in its race, address need not be.

    commit is that of an engine named at a revision, None for the code as it lies in the work tree. source is the
    content of a user's file, and helpers those of its helpers by path below its folder. place is where the file was
    found, or the tree of the commit is laid; alias, of an entry for a child process, the module by which that imports
    the file.
    """

    name: str
    address: str
    commit: str | None = None
    source: bytes | None = None
    helpers: dict[str, bytes] = {}
    place: str | None = None
    alias: str | None = None

    @cached_property
    def make(self) -> Callable[[Network], Engine]:
        """The engine, imported; InputError where that fails, but in a child a fault of this engine alone."""
        if self.source is not None:
            assert self.place, self
            if self.alias is None:
                return _class_in(self.place, self.address)
            sys.dont_write_bytecode = True  # beside the user's helpers, which steps may import later
            try:
                return _class_in(self.place, self.name, Path(self.alias))
            except InputError as error:
                return partial(_refuse, str(error))
        name, _, rev = self.address.partition("@")
        if self.commit is None:
            return backprop.load(name)
        assert self.place, self
        return revisions.import_engine(name, Tree(rev, Path(self.place), self.commit)).make

    def imported(self) -> Entry:
        """The entry, its engine imported by now, with the libraries that it computes by."""
        _ = self.make
        return self

    @property
    def after(self) -> str | None:
        """The engine's own, as is all that follows: the engine that it is one change away from."""
        return getattr(self.make, "after", None)

    @property
    def traced(self) -> bool:
        return getattr(self.make, "traced", True)

    @property
    def labels_only(self) -> bool:
        return getattr(self.make, "labels_only", False)

    def handles(self, network: Network) -> str | None:
        """Why the engine can't train such a network, None where it can."""
        return why_unfit(self.make, network)

    @property
    def products(self) -> Callable[[Network, Array], Calls] | None:
        return getattr(self.make, "products", None)

    @property
    def identity(self) -> Identity:
        return Identity(self.name, self.commit, self.digest)

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

    def laid(self) -> Entry:
        """The entry for a child, with a module for its file; in this process's folder, as children crash.

        The file itself is where it was, with the data beside it, unless it or a helper has changed meanwhile, or this
        is another machine: then it is a copy of what it was.
        """
        if self.source is None:
            return self
        assert self.place, self
        path = Path(self.place)
        files = {path.name: self.source, **self.helpers}
        if not engine_file.lie_in(path.parent, files):
            path = scratch() / str(self.digest) / path.name
            with room():
                for name, content in files.items():
                    (path.parent / name).parent.mkdir(parents=True, exist_ok=True)
                    (path.parent / name).write_bytes(content)
        return msgspec.structs.replace(self, place=str(path), alias=str(engine_file.lay_alias(path)))


def why_unfit(make: Callable[[Network], Engine], network: Network) -> str | None:
    """Why such engines can't train the network, None where they can; one from before the question is asked, too."""
    asked: Callable[[Network], str | None] = getattr(make, "handles", Engine.handles)
    return asked(network)


def addresses(*lists: str) -> list[str]:
    """The addresses in these lists: a,b,... with blanks where one likes; what is a file as it stands is one address."""
    return [
        address
        for text in lists
        # A list may be too long for a path, which pathlib would raise for.
        for address in ([text] if os.path.isfile(text) else map(str.strip, text.split(",")))  # noqa: PTH113
    ]


def resolve(addresses: Sequence[str]) -> list[Entry]:
    """The entry at each address, loaded, in order; an address given again gets #2, #3, ... after its name.

    Raises InputError for an unknown name or revision, an engine of a revision that does not fit today's
    interface, or a file that is missing, fails on import, or defines no or several engines.
    """
    for address in addresses:
        check_name(address, "engine")
    engine_file.keep_only([Path(address) for address in addresses if address.endswith(".py")])
    return [
        _enter(f"{address}#{before + 1}" if (before := addresses[:i].count(address)) else address, address).imported()
        for i, address in enumerate(addresses)
    ]


def _enter(name: str, address: str) -> Entry:
    engine, at, rev = address.partition("@")
    if address.endswith(".py"):
        file = engine_file.import_file(Path(address), address)
        return Entry(name, address, source=file.source, helpers=file.helpers, place=str(file.path))
    if not at:
        return Entry(name, address)
    if engine.endswith(".py"):
        raise InputError(f"{address}: only a built-in engine can be named at a revision: {', '.join(backprop.names())}")
    tree = revisions.lay(rev)
    revisions.import_engine(engine, tree).try_interface()
    return Entry(name, address, tree.commit, place=str(tree.folder))


def _class_in(place: str, label: str, alias: Path | None = None) -> type[Engine]:
    """The engine that a user's file defines; label is how the user named it, alias as in `engine_file.import_file`."""
    return engine_in(engine_file.import_file(Path(place), label, alias).module, f"engine file {label}")


def _refuse(why: str, _: Network) -> NoReturn:
    raise EngineError(why)
