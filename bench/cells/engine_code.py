"""Where an engine's code lies: a file in a tree of files, a repository's where there is one, and its name there."""

from __future__ import annotations

import sys
import sysconfig
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES
from importlib.util import find_spec
from pathlib import Path, PurePath, PurePosixPath

import msgspec

import backprop
from backprop import InputError

from . import git, revisions
from .revisions import Tree

SUFFIXES = (*EXTENSION_SUFFIXES, *SOURCE_SUFFIXES)
INSTALLED = ("stdlib", "platstdlib", "purelib", "platlib")  # of sysconfig
USUAL_ROOTS = (".", "src")  # of a repository: where its packages lie


class Code(msgspec.Struct, frozen=True):
    """An engine's file in a tree, and where the names are looked for that it imports.

    folder is the tree; home the repository, or without one the folder, that it is a copy of, or is. file is the path of
    the engine's file below it. module is its name when it is imported: mypkg.engines in a package, else the file's.
    roots are the folders below `folder` in which absolute names are looked for, its own first. name is that of its
    class; None where it defines one alone.
    """

    folder: str
    home: str
    file: str
    module: str
    roots: list[str]
    name: str | None = None

    @property
    def path(self) -> Path:
        return Path(self.folder) / self.file

    @property
    def own(self) -> str | None:
        """The package that the file lies in, by its first name; None where it is in none."""
        first, dot, _ = self.module.partition(".")
        return first if dot or self.path.stem == "__init__" else None

    def at(self, tree: Tree) -> Code | None:
        """The same in another tree, also where it lay elsewhere; None where there is no such file.

        Raises InputError where there are several, none of them where it lies today.
        """
        place = PurePosixPath(self.file)
        found = _found(place, tree)
        module = self.module if found == place else None
        return in_tree(found, tree.folder, tree.home, self.name, module) if found else None


def of_file(path: Path, label: str, name: str | None = None, module: str | None = None) -> Code:
    """The code in this file, as it lies there; InputError where there is no such file."""
    file = path.resolve()
    if not file.is_file():
        raise InputError(f"{label} is a folder: name a file in it" if file.is_dir() else f"{label} does not exist")
    home = repository_of(file.parent) or _root(file, Path(file.anchor), module)
    return in_tree(file.relative_to(home), home, home, name, module)


def of_module(module: str, name: str, label: str) -> Code:
    """The code of a module of the repository of the current folder, or of one that Python finds."""
    parts = module.split(".")
    if not all(part.isidentifier() for part in (*parts, name)):
        raise InputError(f"{label} must be package.module:Class, such as mypkg.engines:Tiled")
    here = repository_of(Path.cwd()) or Path.cwd()
    for root in (*(here / usual for usual in USUAL_ROOTS), Path.cwd(), *_python_finds(parts[0])):
        if file := module_at(root.joinpath(*parts)):
            return of_file(file, label, name, module)
    raise InputError(f"{label}: there is no module {module}, installed or in {here}: install it, or name its file")


def of_name(name: str, home: Path | None = None) -> Code:
    """The code of a built-in engine, in this project's repository: that in which this package lies, or `home`.

    Raises GitError where this package lies in none.
    """
    home = home or git.top_of(revisions.PACKAGE, tracked=False)
    file = PurePath(place_of_ours(home) or backprop.__name__, "engines", f"{name}.py")
    return in_tree(file, home, home, module=f"{backprop.__name__}.engines.{name}")


def in_tree(file: PurePath, folder: Path, home: Path, name: str | None = None, module: str | None = None) -> Code:
    """The code in a file of this tree; module is its name where that is known."""
    path = folder / file
    root = _root(path, folder, module)
    if module is None:
        parts = path.with_suffix("").relative_to(root).parts
        inside = parts[:-1] if path.stem == "__init__" and len(parts) > 1 else parts
        module = ".".join(part.replace(".", "_") for part in inside)
    roots = [root.relative_to(folder).as_posix(), *USUAL_ROOTS, *_searched(home)]
    return Code(str(folder), str(home), PurePosixPath(file).as_posix(), module, list(dict.fromkeys(roots)), name)


def names_in(tree: Tree) -> list[str]:
    """The built-in engines of a tree of this project; none where it has not got the package."""
    place = place_of_ours(tree.home)
    registry = _found(PurePosixPath(place, "engines", "__init__.py"), tree) if place else None
    if registry is None:
        return []
    folder = (tree.folder / registry).parent
    return sorted(path.stem for path in folder.glob("*.py") if path.name != registry.name)


def repository_of(folder: Path) -> Path | None:
    """The top of the repository in which a folder lies; None where in none, or where git can't tell."""
    try:
        return git.top_of(folder, tracked=False).resolve()
    except git.GitError:
        return None


def module_at(place: Path) -> Path | None:
    """The file of the module or package at this place, given without suffix."""
    packages = [place / f"__init__{suffix}" for suffix in SUFFIXES]
    modules = [place.with_name(f"{place.name}{suffix}") for suffix in SUFFIXES]
    return next((file for file in (*packages, *modules) if file.is_file()), None)


def is_installed(path: Path) -> bool:
    """Whether it lies among the modules that come with Python, or among the packages that are installed."""
    return "site-packages" in path.parts or any(path.is_relative_to(place) for place in _installed_places())


@cache
def _installed_places() -> list[Path]:
    return [Path(sysconfig.get_path(name)).resolve() for name in INSTALLED]


def _root(path: Path, folder: Path, module: str | None) -> Path:
    """Where the names of a module begin: above all packages that it lies in, but not above `folder`."""
    if module is not None:
        return path.parents[module.count(".") + (path.stem == "__init__")]
    root = path.parent
    while root != folder and root.name.isidentifier() and module_at(root) == root / "__init__.py":
        root = root.parent
    return root


def _searched(home: Path) -> list[str]:
    """The folders of a repository in which this Python looks for modules."""
    places = [Path(entry).resolve() for entry in sys.path]
    inside = [place for place in places if place.is_relative_to(home) and place.is_dir() and not is_installed(place)]
    return [place.relative_to(home).as_posix() for place in inside]


def _python_finds(first: str) -> list[Path]:
    """Where Python finds a module or package of this name: the folders that it lies in."""
    try:
        spec = find_spec(first)
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    if spec.submodule_search_locations:
        return [Path(place).parent for place in spec.submodule_search_locations]
    return [Path(spec.origin).parent] if spec.has_location and spec.origin else []


def place_of_ours(home: Path) -> PurePath | None:
    """Where this package lies in a repository: this one's, or that of another clone; None where it is not there."""
    here = revisions.PACKAGE.resolve()
    if here.is_relative_to(home) and not is_installed(here):
        return here.relative_to(home)
    clone = (home / backprop.__name__ / "engines" / "__init__.py", home / "bench" / "gate" / "__init__.py")
    return PurePath(backprop.__name__) if all(file.is_file() for file in clone) else None


def _found(file: PurePosixPath, tree: Tree) -> PurePosixPath | None:
    """Where a file of today is in a tree: there, or where, not today, as many of its last names are as can be."""
    if (tree.folder / file).is_file():
        return file
    found = [PurePosixPath(path.relative_to(tree.folder).as_posix()) for path in tree.folder.rglob(file.name)]
    gone = [path for path in found if not (tree.home / path).exists()]
    for count in range(len(file.parts), 1 if file.name == "__init__.py" else 0, -1):
        ends = [path for path in gone if path.parts[-count:] == file.parts[-count:]]
        if len(ends) > 1:
            several = ", ".join(sorted(map(str, ends)))
            raise InputError(f"{tree} has {file} in several places, none of them today's: {several}")
        if ends:
            return ends[0]
    return None
