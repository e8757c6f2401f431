"""A user's engine file as a module of this process, with the helpers that lie beside it.

As for `python mine.py` the file's folder is searched for modules; here it comes last, so that nothing beside the file
stands in the way of what is installed.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from backprop import InputError
from backprop.errors import brief

from .engine_file_helpers import beside, files_at, helpers_of, is_found, is_of
from .isolation import apart, is_interrupt
from .temporary_folder import room, scratch

ALIAS = """from pathlib import Path
__file__ = {path!r}
exec(compile(Path(__file__).read_bytes(), __file__, "exec"))
"""

_loaded: dict[Path, EngineFile] = {}
_added: set[str] = set()  # to sys.path, by us


@dataclass(frozen=True)
class EngineFile:
    """An engine file as it was imported: its module, its content, and that of its helpers by path below its folder."""

    path: Path
    module: ModuleType
    source: bytes
    helpers: dict[str, bytes]

    def forget(self) -> None:
        """Let go of the helpers: another file may have some of the same names."""
        del _loaded[self.path]
        folder = self.path.parent
        _drop(folder, {name.partition("/")[0].partition(".")[0] for name in self.helpers})
        if str(folder) in _added and all(other.parent != folder for other in _loaded):
            _forget_places([str(folder)])


def lie_in(folder: Path, files: dict[str, bytes]) -> bool:
    """Whether these files, by path below the folder, are there with this content."""
    try:
        return all((folder / name).read_bytes() == content for name, content in files.items())
    except OSError:
        return False


def import_file(path: Path, label: str, alias: Path | None = None) -> EngineFile:
    """The file imported, once for as long as it and its helpers stay as they are; `label` is how the user named it.

    alias is the module by which it is imported, one of `lay_alias`, where that has been laid by another process.
    Raises InputError where the file is missing or fails on import, and where a helper is hidden by another module.
    """
    file = path.resolve()
    if not file.is_file():
        raise InputError(f"engine file {label} does not exist")
    if earlier := _loaded.get(file):
        if lie_in(file.parent, {file.name: earlier.source, **earlier.helpers}):
            return earlier
        earlier.forget()
    alias = alias or lay_alias(file)
    known = set(sys.modules)
    added = [place for place in map(str, (file.parent, alias.parent)) if place not in sys.path]
    sys.path += added
    _added.update(added)
    importlib.invalidate_caches()
    try:
        source = file.read_bytes()
        helpers = {name: place for name, place in helpers_of(file) if is_found(name, place, label)}
        module = _import(file, label, alias.stem)
    except BaseException as error:
        _drop(file.parent, {name.partition(".")[0] for name in set(sys.modules) - known})
        _forget_places(added)
        if isinstance(error, OSError):
            raise InputError(f"engine file {label} can't be read: {error.strerror}") from error
        raise
    later = {name for name in set(sys.modules) - known if "." not in name} - {file.stem}  # which no source names
    helpers |= {name: place for name in later if (place := beside(file.parent, name)) and is_of(name, place)}
    files = [each for place in helpers.values() for each in files_at(place)]
    content = {each.relative_to(file.parent).as_posix(): each.read_bytes() for each in files}
    _loaded[file] = EngineFile(file, module, source, dict(sorted(content.items())))
    return _loaded[file]


def _forget_places(places: Collection[str]) -> None:
    sys.path[:] = [place for place in sys.path if place not in places]
    _added.difference_update(places)


def keep_only(paths: Collection[Path]) -> None:
    """Forget all files but these: they were another call's, and names of theirs are free again."""
    kept = {path.resolve() for path in paths}
    for file in [file for path, file in _loaded.items() if path not in kept]:
        file.forget()


def lay_alias(path: Path) -> Path:
    """A module for the file in this process's temporary folder, under a name that no other module has.

    By that name it is found again, by pickle and by the processes of a pool, whatever the file is called: numpy.py,
    `my engine.py`, or as another file in another folder.
    """
    alias = scratch() / "modules" / f"engine_file_{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}.py"
    with room():
        alias.parent.mkdir(exist_ok=True)
        alias.write_text(ALIAS.format(path=str(path)), encoding="utf-8")
    return alias


def _import(file: Path, label: str, name: str) -> ModuleType:
    def run() -> ModuleType:
        sys.argv, sys.dont_write_bytecode = [str(file)], True
        with open(os.devnull) as nothing, _no_way_out():  # noqa: PTH123
            sys.stdin = nothing
            sys.modules.pop(name, None)  # what it was before it changed
            return importlib.import_module(name)

    try:
        return apart(run)
    except SystemExit as error:
        raise InputError(f"engine file {label} ends the program on import (SystemExit)") from error
    except BaseException as error:
        if is_interrupt(error):
            raise
        raise InputError(f"engine file {label} fails on import: {brief(error)}") from error


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


def _drop(folder: Path, names: Collection[str]) -> None:
    """Take the modules and packages of these names that lie in this folder out of sys.modules."""
    own = {name for name in names if (place := beside(folder, name)) and is_of(name, place)}
    for name in list(sys.modules):
        if name.partition(".")[0] in own:
            del sys.modules[name]
