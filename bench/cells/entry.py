"""An engine as it was named: from its address, or its class, to a factory of fresh engines.

An entry travels, as JSON, to other processes and machines, and is there the same code, whatever changes meanwhile.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import NoReturn

import msgspec

import backprop
from backprop import Engine, EngineError, InputError, Network
from backprop.engine import Calls
from backprop.errors import did_you_mean
from backprop.network import Array

from . import engine_code, engine_loading, revisions
from .address import label_of, parts_of
from .cell import check_name
from .engine_alias import lay_alias
from .engine_code import Code
from .engine_imports import search_no_more
from .revisions import Tree
from .temporary_folder import room, scratch


class Identity(msgspec.Struct, frozen=True):
    """By what an engine is known again: the commit that its revision was, or the digest of its code."""

    name: str
    commit: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        version = self.commit or self.digest
        return f"{self.name} ({version[:10]})" if version else self.name


class Entry(msgspec.Struct, frozen=True, dict=True):
    """An engine as it was named, to be made in any process; name is unique in its race, address need not be.

    commit is that of an engine named at a revision, None for the code as it lies now. code says where it lies, None of
    a built-in engine as it is installed, and files has the content of the files of its tree that it imports, by their
    paths. alias, of an entry for a child process, is the module by which that imports it.
    """

    name: str
    address: str
    commit: str | None = None
    code: Code | None = None
    files: dict[str, bytes] = {}
    alias: str | None = None

    @cached_property
    def make(self) -> Callable[[Network], Engine]:
        """The engine, imported; InputError where that fails, but in a child a fault of this engine alone."""
        if self.code is None:
            return backprop.load(self.address)
        if self.alias is None:
            return engine_loading.load(self.code, self.label).make
        sys.dont_write_bytecode = True  # beside the user's helpers, which steps may import later
        try:
            return engine_loading.load(self.code, self.label, Path(self.alias)).make
        except InputError as error:
            return partial(_refuse, str(error))

    def imported(self) -> Entry:
        """The entry, its engine imported by now, with the libraries that it computes by."""
        _ = self.make
        return self

    @property
    def label(self) -> str:
        """What it is called in an error: engine file mine.py of HEAD~1 (1a2b3c4d5e)."""
        return label_of(self.address, self.commit)

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
        """Sixteen hex digits of a digest of the code's files; None where it is known by its commit, or installed."""
        if self.code is None or self.commit:
            return None
        content = hashlib.sha256(f"{self.code.file}\n{self.code.name}\n".encode())
        for name, file in self.files.items():
            content.update(f"{name}\n{len(file)}\n".encode())
            content.update(file)
        return content.hexdigest()[:16]

    def laid(self, arm: str = "") -> Entry:
        """The entry for a child, with a module for its code; in this process's folder, as children crash.

        The code itself is where it was, with the data beside it, unless a file of it has changed meanwhile, or this is
        another machine: then it is a copy of what it was. Each `arm` has modules of its own.
        """
        code = self.code
        if code is None:
            return self
        if not engine_loading.lie_in(Path(code.folder), self.files):
            copy = scratch() / str(self.commit or self.digest)
            with room():
                for name, content in self.files.items():
                    (copy / name).parent.mkdir(parents=True, exist_ok=True)
                    (copy / name).write_bytes(content)
            code = msgspec.structs.replace(code, folder=str(copy))
        return msgspec.structs.replace(self, code=code, alias=str(lay_alias(code, arm)))


def why_unfit(make: Callable[[Network], Engine], network: Network) -> str | None:
    """Why such engines can't train the network, None where they can; one from before the question is asked, too."""
    asked: Callable[[Network], str | None] = getattr(make, "handles", Engine.handles)
    return asked(network)


def code_of(engine: str) -> Code | None:
    """Where the code of an engine lies, that is named without revision; None of a built-in one, as it is installed."""
    if engine.endswith(".py"):
        return engine_code.of_file(Path(engine), label_of(engine))
    module, colon, name = engine.partition(":")
    return engine_code.of_module(module, name, label_of(engine)) if colon else None


def at_revision(address: str, code: Code, tree: Tree) -> Entry:
    """The engine of this code as a tree has it; InputError where that has none."""
    there = code.at(tree)
    if there is None:
        raise InputError(_not_in(tree, parts_of(address)[0], code))
    return Entry(address, address, tree.commit, there)


def resolve(named: Sequence[str | type[Engine]]) -> list[Entry]:
    """The entry at each address, or of each class, loaded, in order; one given again gets #2, #3, ... after its name.

    Raises InputError for an unknown name or revision, an engine of a revision that does not fit today's
    interface, or code that is missing, fails on import, or defines no or several engines.
    """
    search_no_more()  # for what an earlier call has named
    entries = [_of_address(one) if isinstance(one, str) else _of_class(one) for one in named]
    _refuse_unavailable(entries)
    engine_loading.keep_only([entry.code for entry in entries if entry.code])
    names = [entry.name for entry in entries]
    return [
        _loaded(msgspec.structs.replace(entry, name=f"{entry.name}#{before + 1}" if before else entry.name))
        for i, entry in enumerate(entries)
        for before in [names[:i].count(entry.name)]
    ]


def _of_address(address: str) -> Entry:
    check_name(address, "engine")
    engine, revision = parts_of(address)
    code = code_of(engine)
    if revision is None:
        return Entry(address, address, code=code)
    code = code or engine_code.of_name(engine)
    return at_revision(address, code, revisions.lay(revision, Path(code.home)))


def _of_class(engine: type[Engine]) -> Entry:
    """The entry of a class: by the module that it is in, or by its source where that is no module to import."""
    if not (isinstance(engine, type) and issubclass(engine, Engine)):
        raise InputError(f"an engine is an address, such as full_matrix or mine.py, or a class of it, not {engine!r}")
    name, module = engine.__qualname__, sys.modules.get(engine.__module__)
    if engine.__module__ == f"{backprop.__name__}.engines.{engine.__module__.rpartition('.')[2]}":
        return _of_address(engine.__module__.rpartition(".")[2])
    label = f"engine class {name}"
    if not name.isidentifier():
        raise InputError(f"{label} is made inside of something else: define it at the top of a module or a cell")
    file = getattr(module, "__file__", None)
    if engine.__module__ == "__main__" or not file:
        from .class_source import source_of

        text = source_of(engine).encode()
        path = scratch() / "classes" / hashlib.sha256(text).hexdigest()[:16] / f"{name}.py"
        with room():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        return Entry(name, name, code=engine_code.of_file(path, label, name))
    if getattr(module, name, None) is not engine:
        raise InputError(f"{label} is not what {engine.__module__} has by that name now: give it a name of its own")
    return Entry(name, name, code=engine_code.of_file(Path(file), label, name))


def _refuse_unavailable(entries: Sequence[Entry]) -> None:
    """InputError where built-in engines can't be had here: about all of them, so that it takes one installation."""
    reasons = dict[str, str]()
    for entry in entries:
        if entry.code is None and entry.address in backprop.names():
            try:
                backprop.load(entry.address)
            except InputError as error:
                reasons[entry.address] = str(error)
    if reasons:
        raise InputError("; ".join(reasons.values()))


def _loaded(entry: Entry) -> Entry:
    """The entry, imported, with the files that it is made of."""
    if entry.code is None:
        return entry.imported()
    loaded = engine_loading.load(entry.code, entry.label)
    if entry.commit:
        engine_loading.try_interface(loaded.make, entry.label)
        engine_loading.refuse_shared(entry.code, entry.label)
    return msgspec.structs.replace(entry, files=loaded.files)


def _not_in(tree: Tree, engine: str, code: Code) -> str:
    """What is to be told of an engine that is not in a tree."""
    file = Path(code.home) / code.file
    if (code.own == backprop.__name__ and engine.isidentifier()) or not file.exists():
        known = engine_code.names_in(tree)
        if not known:
            return f"{tree} has no package {backprop.__name__}: give a later revision"
        return f"{tree} has no engine {engine!r}: {did_you_mean(engine, known)}there are {', '.join(known)}"
    if engine_code.is_installed(file):
        return f"{engine} is installed, in no repository ({file}): pip install -e its clone, or name a file of that"
    return f"{tree} has no {code.file}: git had not got it then; give a later revision"


def _refuse(why: str, _: Network) -> NoReturn:
    raise EngineError(why)
