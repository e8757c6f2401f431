"""A user's engine file as a module of this process, and the helpers that lie beside it.

A helper is a module or a package in the file's own folder that the file imports, or that another helper does, at once
or later. As for `python mine.py` the folder is searched for modules; here it comes last, so that nothing beside the
file stands in the way of what is installed. Where a helper is hidden by another module of its name, the file is
refused: it would be given that one.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import os
import sys
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from backprop import InputError
from backprop.errors import brief

from .confined import apart, is_interrupt
from .scratch import room, scratch

OURS = ("backprop", "bench")  # a clone of this project beside the file is no helper of it
SUFFIXES = (*EXTENSION_SUFFIXES, *SOURCE_SUFFIXES)
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

    @property
    def folder(self) -> Path:
        return self.path.parent

    def is_as_it_was(self) -> bool:
        return lie_in(self.folder, {self.path.name: self.source, **self.helpers})

    def forget(self) -> None:
        """Let go of the helpers: another file may have some of the same names."""
        del _loaded[self.path]
        _drop(self.folder, {name.partition("/")[0].partition(".")[0] for name in self.helpers})
        if str(self.folder) in _added and all(other.folder != self.folder for other in _loaded.values()):
            _forget_places([str(self.folder)])


def lie_in(folder: Path, files: dict[str, bytes]) -> bool:
    """Whether these files, by path below the folder, are there with this content."""
    try:
        return all((folder / name).read_bytes() == content for name, content in files.items())
    except OSError:
        return False


def load(path: Path, label: str, alias: Path | None = None) -> EngineFile:
    """The file imported, once for as long as it and its helpers stay as they are; `label` is how the user named it.

    alias is the module by which it is imported, one of `lay_alias`, where that has been laid by another process.
    Raises InputError where the file is missing or fails on import, and where a helper is hidden by another module.
    """
    file = path.resolve()
    if not file.is_file():
        raise InputError(f"engine file {label} does not exist")
    if file in _loaded:
        if _loaded[file].is_as_it_was():
            return _loaded[file]
        _loaded[file].forget()
    known = set(sys.modules)
    places = [str(file.parent), str((alias or lay_alias(file)).parent)]
    added = [place for place in places if place not in sys.path]
    sys.path += added
    _added.update(added)
    importlib.invalidate_caches()
    try:
        source = file.read_bytes()
        helpers = {name: place for name, place in _helpers(file) if _is_found(name, place, label)}
        module = _import(file, label, (alias or lay_alias(file)).stem)
    except BaseException as error:
        _drop(file.parent, {name.partition(".")[0] for name in set(sys.modules) - known})
        _forget_places(added)
        if isinstance(error, OSError):
            raise InputError(f"engine file {label} can't be read: {error.strerror}") from error
        raise
    later = {name for name in set(sys.modules) - known if "." not in name} - {file.stem}  # which no source names
    helpers |= {name: place for name in later if (place := _beside(file.parent, name)) and _is_of(name, place)}
    content = {each.relative_to(file.parent).as_posix(): each.read_bytes() for each in _files(helpers.values())}
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


def _helpers(file: Path) -> Iterator[tuple[str, Path]]:
    """The modules and packages beside the file that it imports, and those that these import, by name."""
    waiting, seen = [file], {file.stem, *OURS}
    while waiting:
        for name in _imported(waiting.pop().read_bytes()):
            if name not in seen and (place := _beside(file.parent, name)):
                seen.add(name)
                waiting += [each for each in _files([place]) if each.suffix in SOURCE_SUFFIXES]
                yield name, place


def _imported(source: bytes) -> set[str]:
    """The first part of the name of each module that the source imports, anywhere in it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError):
        return set()  # the import tells why
    names: list[str] = []
    for node in nodes:
        match node:
            case ast.Import():
                names += [alias.name for alias in node.names]
            case ast.ImportFrom(module=str(name), level=0):
                names.append(name)
            case ast.Call(
                func=ast.Name("__import__" | "import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(str(name)), *_],
            ):
                names.append(name)
    return {name.partition(".")[0] for name in names} - {""}


def _beside(folder: Path, name: str) -> Path | None:
    """The module or package of this name in the folder, as Python looks for it.

    A folder without __init__.py is one only where Python finds nothing else: a clone of scipy beside the file is none.
    """
    package = folder / name
    if any((package / f"__init__{suffix}").is_file() for suffix in SUFFIXES):
        return package
    for suffix in SUFFIXES:
        if (folder / f"{name}{suffix}").is_file():
            return folder / f"{name}{suffix}"
    return package if package.is_dir() and _is_of(name, package) and any(_files([package])) else None


def _files(places: Collection[Path]) -> Iterator[Path]:
    """The files with code at these places."""
    for place in places:
        if not place.is_dir():
            yield place
            continue
        for each in sorted(place.rglob("*")):
            if each.name.endswith(SUFFIXES) and "__pycache__" not in each.parts and each.is_file():
                yield each


def _is_found(name: str, place: Path, label: str) -> bool:
    """Whether Python finds the module of this name at this place; InputError where it finds another."""
    if _is_of(name, place):
        return True
    other = _origin(name)
    raise InputError(
        f"engine file {label} imports {name}, which lies beside it, and would be given another module of that name, "
        f"{other}: rename {place}"
    )


def _is_of(name: str, place: Path) -> bool:
    origin = _origin(name)
    return origin is not None and (Path(origin).resolve() == place or Path(origin).resolve().parent == place)


def _origin(name: str) -> str | None:
    """Where the module of this name is from, or would be: a file, a folder, or a word such as built-in."""
    try:
        spec = find_spec(name)
    except ValueError:  # a module that was made by hand
        return getattr(sys.modules.get(name), "__file__", None)
    if spec and not spec.origin and spec.submodule_search_locations:
        return str(Path(next(iter(spec.submodule_search_locations))) / "__init__.py")
    return spec.origin if spec else None


def _drop(folder: Path, names: Collection[str]) -> None:
    """Take the modules and packages of these names that lie in this folder out of sys.modules."""
    own = {name for name in names if (place := _beside(folder, name)) and _is_of(name, place)}
    for name in list(sys.modules):
        if name.partition(".")[0] in own:
            del sys.modules[name]
