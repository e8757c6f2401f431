"""An engine's class from its code: imported apart from this process, and what goes wrong told in a line."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from backprop import Engine, InputError, Network
from backprop.engine import engine_in
from backprop.errors import brief

from .engine_alias import forget, import_code, lay_alias, modules_of
from .engine_code import Code, is_installed
from .engine_imports import OURS, imported, search_also, search_no_more
from .isolation import apart, is_interrupt
from .source_code import essence

_loaded: dict[str, Loaded] = {}  # by alias
_brought: dict[str, Path] = {}  # modules of no alias, neither installed nor ours, that some engine's code has imported


class SharedError(InputError):
    """Two versions of an engine would run the same code of a module in which they differ."""


@dataclass(frozen=True)
class Loaded:
    """An engine's class, and the content of the files of its tree that it is made of, by their paths below it.

    named are the modules that its source names, by their files.
    """

    make: type[Engine]
    alias: str
    code: Code
    files: dict[str, bytes]
    named: dict[str, Path]

    def modules(self) -> dict[str, bytes]:
        """The code of all modules of its tree that the engine names, or has imported up to now, by their names."""
        known = {**self.named, **modules_of(self.alias)}
        return {f"{name}{file.suffix}": file.read_bytes() for name, file in known.items()}


def lie_in(folder: Path, files: dict[str, bytes]) -> bool:
    """Whether these files, by path below the folder, are there with this content."""
    try:
        return all((folder / name).read_bytes() == content for name, content in files.items())
    except OSError:
        return False


def load(code: Code, label: str, alias: Path | None = None) -> Loaded:
    """The engine's class, imported once for as long as its files stay as they are; `label` says whose it is.

    alias is a module laid by `lay_alias`, also by another process. Raises InputError where the code fails on import,
    defines no such engine, or would be given a module that is not its own.
    """
    alias = alias or lay_alias(code)
    folder = Path(code.folder)
    earlier = _loaded.get(alias.stem)
    if earlier and not lie_in(folder, earlier.files):
        _forget(earlier)
        earlier = None
    if code.folder == code.home:
        search_also(str(folder / code.roots[0]))
    if earlier:
        return earlier
    before = set(sys.modules)
    try:
        named = imported(code, label)
        make = _class_in(_import(code, label, alias), code, label)
    except BaseException as error:
        forget(alias.stem)
        _let_go(folder, _loose(set(sys.modules) - before))
        if isinstance(error, OSError):
            raise InputError(f"{label} can't be read: {error.strerror}") from error
        raise
    loose = _loose({name for name in set(sys.modules) - before if name.partition(".")[0] != alias.stem})
    _brought.update(loose)
    files = [*named.values(), *modules_of(alias.stem).values(), *loose.values()]
    below = {file.relative_to(folder).as_posix(): file for file in files if file.is_relative_to(folder)}
    content = {name: file.read_bytes() for name, file in sorted(below.items())}
    _loaded[alias.stem] = Loaded(make, alias.stem, code, content, named)
    refuse_shared(code, label)
    return _loaded[alias.stem]


def refuse_shared(code: Code, label: str) -> None:
    """SharedError where versions would share a module that has changed between them: one that others have imported."""
    folder, home = Path(code.folder), Path(code.home)
    for name, file in sorted(_brought.items()) if folder != home else ():
        if name not in sys.modules or not file.is_relative_to(home):
            continue
        there = folder / file.relative_to(home)
        if not there.is_file() or essence({"a.py": there.read_bytes()}) != essence({"a.py": file.read_bytes()}):
            raise SharedError(
                f"{label}: {name} is imported by an absolute name that every version shares, and it has changed "
                "between them: let the engine's own code import it, by an import statement"
            )


def try_interface(make: type[Engine], label: str) -> None:
    """Take a step on a tiny network, as today's interface has it; InputError where the engine does not fit.

    What else it raises is no misfit but the engine's own fault, and comes to light where it is checked.
    """
    network = Network.random((3, 2, 1), np.random.default_rng(0))
    try:
        engine = make(network)
        engine.step(np.ones((2, 3)), np.ones((2, 1)), 0.0)
        engine.network().copy()
    except (TypeError, AttributeError, NotImplementedError) as error:
        raise InputError(f"{label} does not fit today's interface: {brief(error)}") from error
    except BaseException as error:
        if is_interrupt(error):
            raise


def keep_only(codes: Collection[Code]) -> None:
    """Forget all other code: it was another call's, and what it has put on sys.path is taken off again."""
    for loaded in [loaded for loaded in _loaded.values() if loaded.code not in codes]:
        _forget(loaded)


def _forget(loaded: Loaded) -> None:
    del _loaded[loaded.alias]
    forget(loaded.alias)
    _let_go(Path(loaded.code.folder), _brought)


def _import(code: Code, label: str, alias: Path) -> ModuleType:
    def run() -> ModuleType:
        sys.argv, sys.dont_write_bytecode = [str(code.path)], True
        # What it prints is no part of what a command says, which may be for a pipe.
        with open(os.devnull) as nothing, _no_way_out(), redirect_stdout(sys.stderr):  # noqa: PTH123
            sys.stdin = nothing
            return import_code(alias, code.module)

    try:
        return apart(run)
    except SystemExit as error:
        raise InputError(f"{label} ends the program on import (SystemExit)") from error
    except BaseException as error:
        if is_interrupt(error):
            raise
        raise InputError(f"{label} fails on import: {brief(error)}") from error


def _class_in(module: ModuleType, code: Code, label: str) -> type[Engine]:
    """The engine that a module defines; one of our own at a revision is that revision's kind of engine."""
    ours = sys.modules.get(f"{module.__name__.partition('.')[0]}.{OURS[0]}")
    kind = getattr(ours, "Engine", Engine)
    if code.name is None:
        return engine_in(module, label, kind)
    found = getattr(module, code.name, None)
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise InputError(f"{label}: {code.module} has no subclass of backprop.Engine with the name {code.name}")
    return found


@contextmanager
def _no_way_out() -> Iterator[None]:
    """Let os._exit be a SystemExit, in this process but not in those that it forks."""
    leave, own = os._exit, os.getpid()

    def refuse(status: int) -> None:
        if os.getpid() != own:
            leave(status)
        raise SystemExit(status)

    os._exit = refuse  # type: ignore[assignment]
    try:
        yield
    finally:
        os._exit = leave


def _loose(names: Collection[str]) -> dict[str, Path]:
    """The files of those of these modules that are neither installed nor ours."""
    files = {name: getattr(sys.modules.get(name), "__file__", None) for name in names}
    paths = {
        name: Path(file).resolve()
        for name, file in files.items()
        if file and Path(file).is_absolute() and name.partition(".")[0] not in OURS  # some libraries make up names
    }
    return {name: path for name, path in paths.items() if not is_installed(path)}


def _let_go(folder: Path, modules: Mapping[str, Path]) -> None:
    """Take those of these modules that lie in this folder out of sys.modules, if no loaded engine lies there."""
    if any(Path(other.code.folder) == folder for other in _loaded.values()):
        return
    search_no_more(folder)
    for name in [name for name, file in modules.items() if file.is_relative_to(folder)]:
        sys.modules.pop(name, None)
        _brought.pop(name, None)
