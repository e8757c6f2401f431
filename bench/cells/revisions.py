"""The package `backprop` as another git revision has it, imported beside today's under a name of its own.

Its files are laid in a temporary folder as they were committed: no checkout, no hooks, no attributes, the work tree and
its index untouched.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np

import backprop
from backprop import Engine, InputError, Network
from backprop.errors import brief

from . import git
from .isolation import apart, is_interrupt
from .source_code import folded
from .temporary_folder import room, scratch

PACKAGE = Path(backprop.__file__).parent
BENCH = Path(__file__).parents[1]
PROJECT = "pyproject.toml"
YOUR_OWN = "an engine of your own can be raced beside others, but not yet beside a revision of itself"

_numbers = itertools.count()


@dataclass(frozen=True)
class Tree:
    """The package laid in `folder`: as of `commit`, or where that is None, a copy of the work tree's."""

    label: str
    folder: Path
    commit: str | None = None

    def __str__(self) -> str:
        return f"{self.label} ({self.commit[:10]})" if self.commit else self.label


@dataclass(frozen=True)
class Loaded:
    """An engine of a tree, imported from a copy of the package, named `alias`, that no other engine shares."""

    name: str
    make: type[Engine]
    tree: Tree
    alias: str

    def try_interface(self) -> None:
        """Take a step on a tiny network, as today's interface has it; InputError where the engine does not fit.

        What else it raises is no misfit but the engine's own fault, and comes to light where it is checked.
        """
        network = Network.random((3, 2, 1), np.random.default_rng(0))
        try:
            engine = self.make(network)
            engine.step(np.ones((2, 3)), np.ones((2, 1)), 0.0)
            engine.network().copy()
        except (TypeError, AttributeError, NotImplementedError) as error:
            raise InputError(
                f"{self.name} of {self.tree.label} does not fit today's interface: {brief(error)}"
            ) from error
        except BaseException as error:
            if is_interrupt(error):
                raise

    def files(self) -> dict[str, bytes]:
        """The content of every file of the package that the engine has imported up to now."""
        modules = [module for name, module in sys.modules.items() if name.partition(".")[0] == self.alias]
        paths = [Path(module.__file__) for module in modules if module.__file__]
        return {str(path.relative_to(self.tree.folder)): path.read_bytes() for path in paths}


def refuse_elsewhere() -> None:
    """InputError where the current folder is not in the repository of this very code: it would be judged unasked."""
    judged = "the gate judges backprop-bench's own engines, as the git repository has them in which they lie"
    try:
        own = git.top_of(BENCH)
    except git.NoRepositoryError as error:
        raise InputError(
            f"{judged}, and {error}: run python -m bench gate in a clone of its own; {YOUR_OWN}"
        ) from error
    try:
        here = git.top_of(Path.cwd(), tracked=False)
    except git.GitError:
        here = None
    if here is None or not here.samefile(own):
        raise InputError(f"{judged}, {own}: run it there; {YOUR_OWN}")


def lay(revision: str) -> Tree:
    """The package as of this revision, laid in this process's temporary folder; raises InputError."""
    commit = git.commit_of(revision, PACKAGE)
    folder = scratch() / commit
    if not folder.exists():
        files = list(git.package_at(commit, revision, PACKAGE, beside=PROJECT))
        with room():
            begun = Path(tempfile.mkdtemp(dir=scratch()))
            for path, mode, content in files:
                place = begun / path
                place.parent.mkdir(parents=True, exist_ok=True)
                if mode == git.LINK:
                    place.symlink_to(os.fsdecode(content))
                else:
                    place.write_bytes(content)
            begun.rename(folder)
    return Tree(revision, folder, commit)


def lay_work_tree() -> Tree:
    """A copy of the package as it lies in the work tree now, uncommitted changes included."""
    top = git.top_of(PACKAGE)
    with room():
        folder = Path(tempfile.mkdtemp(dir=scratch()))
        shutil.copytree(PACKAGE, folder / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
        for parent in PACKAGE.resolve().parents:
            if (parent / PROJECT).exists():
                shutil.copy(parent / PROJECT, folder)
            if (folder / PROJECT).exists() or parent == top:
                break
    return Tree("the work tree", folder)


def digest() -> str:
    """Sixteen hex digits of a digest of the code, of engines and of races, as it lies in the work tree now.

    Line ends are not part of it.
    """
    content = hashlib.sha256()
    for root in (PACKAGE, BENCH):
        for path in sorted(root.rglob("*.py")):
            code = folded(path.read_bytes())
            content.update(f"{root.name}/{path.relative_to(root).as_posix()}\n{len(code)}\n".encode() + code)
    return content.hexdigest()[:16]


def refuse_changed_code() -> None:
    """InputError where the code is not as it was at the first call: processes take it as it is when they start."""
    if digest() != _first_digest(PACKAGE):
        raise InputError(
            "the code of backprop-bench has changed while races go on, and each of their processes takes it as it is "
            "then: this race is not recorded; put the code back and go on, a sweep by --resume, or begin anew"
        )


@cache
def _first_digest(_: Path) -> str:
    return digest()


def names_of(tree: Tree) -> tuple[str, ...]:
    """The engines of a tree; InputError where its package does not fit today's interface."""
    return _package(tree)[0]


def import_engine(name: str, tree: Tree) -> Loaded:
    """The engine of this name in this tree.

    Raises InputError where the tree's package does not fit today's interface, has no such engine, or the engine
    fails on import.
    """
    known, load_engine, alias = _package(tree)
    if name not in known:
        raise InputError(f"{tree} has no engine {name!r}: there are {', '.join(known)}")
    try:
        return Loaded(name, apart(load_engine, name), tree, alias)
    except BaseException as error:
        if is_interrupt(error):
            raise
        raise InputError(f"{name} of {tree} can't be loaded: {brief(error)}") from error


def _package(tree: Tree) -> tuple[tuple[str, ...], Callable[[str], type[Engine]], str]:
    """The names of a tree's engines, its load, and the alias under which its package has now been imported."""
    alias, folder = f"{PACKAGE.name}_{next(_numbers)}", tree.folder / PACKAGE.name
    spec = spec_from_file_location(alias, folder / "__init__.py", submodule_search_locations=[str(folder)])
    assert spec is not None, folder
    assert spec.loader is not None, folder
    module = sys.modules[alias] = module_from_spec(spec)
    try:
        apart(spec.loader.exec_module, module)
        return tuple(module.names()), module.load, alias
    except BaseException as error:
        if is_interrupt(error):
            raise
        raise InputError(f"the package of {tree} does not fit today's interface: {brief(error)}") from error
