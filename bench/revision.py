"""The package `backprop` as another git revision has it, imported beside today's under a name of its own.

`git archive` lays the files in a temporary folder: no checkout, no hooks, the work tree and its index untouched.
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np
from filelock import FileLock, Timeout

import backprop
from backprop import Engine, InputError, Network

PACKAGE = Path(backprop.__file__).parent
PROJECT = "pyproject.toml"
PREFIX = "backprop-bench-"  # of the temporary folder
LOCK = "in-use.lock"

_numbers = itertools.count()


@dataclass(frozen=True)
class Tree:
    """The package laid in `folder`: as of `commit`, or where that is None, a copy of the work tree's."""

    label: str
    folder: Path
    commit: str | None = None


@dataclass(frozen=True)
class Loaded:
    """An engine of a tree, and what its code is: the content of every file of the package that it imported."""

    make: type[Engine]
    files: dict[str, bytes]


def git(*arguments: str, folder: Path = PACKAGE.parent) -> bytes:
    """What git prints, without taking a lock that the user's own git could stumble over.

    Raises OSError where there is no git, and subprocess.CalledProcessError with its stderr where it refuses.
    """
    command = ["git", "--no-optional-locks", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout


def commit_of(revision: str) -> str:
    """The commit that a revision such as HEAD~3 names; InputError where there is none, or no repository."""
    if not revision:
        raise InputError("a revision is missing after the @: give one that git knows, such as full_matrix@HEAD~1")
    try:
        git("rev-parse", "--git-dir")
    except (OSError, subprocess.CalledProcessError) as error:
        raise InputError(
            f"{PACKAGE.parent} is not a git repository, so there is no {revision}: {_why(error)}"
        ) from error
    try:
        found = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except subprocess.CalledProcessError as error:
        raise InputError(
            f"git knows no revision {revision!r} here; give a branch, tag or commit that `git log` shows "
            "(a shallow clone has only its newest: git fetch --unshallow)"
        ) from error
    return found.decode().strip()


def lay(revision: str) -> Tree:
    """The package as of this revision, laid in this process's temporary folder."""
    commit = commit_of(revision)
    folder = scratch() / commit
    if not folder.exists():
        kept = git("ls-tree", "--name-only", commit, "--", PACKAGE.name, PROJECT).decode().split()
        if PACKAGE.name not in kept:
            raise InputError(f"{revision} ({commit[:10]}) has no package {PACKAGE.name}: give a later revision")
        zipfile.ZipFile(BytesIO(git("archive", "--format=zip", commit, "--", *kept))).extractall(folder)
    return Tree(revision, folder, commit)


def lay_work_tree() -> Tree:
    """A copy of the package as it lies in the work tree now, uncommitted changes included."""
    folder = scratch() / "work-tree"
    shutil.copytree(PACKAGE, folder / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    if (PACKAGE.parent / PROJECT).exists():
        shutil.copy(PACKAGE.parent / PROJECT, folder)
    return Tree("the work tree", folder)


def load(name: str, tree: Tree) -> Loaded:
    """The engine of this name in this tree, from a copy of the package that no other engine shares.

    Raises InputError where the tree has no such engine, or its package or the engine fails on import.
    """
    alias = f"{PACKAGE.name}_{next(_numbers)}"
    where = f"{tree.label} ({tree.commit[:10]})" if tree.commit else tree.label
    try:
        package = _import(tree.folder / PACKAGE.name, alias)
        known, load_engine = package.names(), package.load
    except Exception as error:
        raise InputError(f"the package of {where} does not fit today's interface: {_brief(error)}") from error
    if name not in known:
        raise InputError(f"{where} has no engine {name!r}: there are {', '.join(known)}")
    try:
        make = load_engine(name)
    except Exception as error:
        raise InputError(f"{name} of {where} can't be loaded: {_brief(error)}") from error
    return Loaded(make, _files(alias, tree.folder))


def engines_of(tree: Tree) -> tuple[str, ...]:
    """The names of a tree's engines, from its files alone."""
    folder = tree.folder / PACKAGE.name / "engines"
    return tuple(sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__"))


def try_interface(name: str, tree: Tree, make: type[Engine]) -> None:
    """Take one step on a tiny network, as today's interface has it; InputError where the engine does not fit."""
    network = Network.random((3, 2, 1), np.random.default_rng(0))
    try:
        engine = make(network)
        engine.step(np.ones((2, 3)), np.ones((2, 1)), 0.0)
        engine.network().copy()
    except Exception as error:
        raise InputError(f"{name}@{tree.label} does not fit today's interface: {_brief(error)}") from error


@cache
def scratch() -> Path:
    """The temporary folder of this process, removed when it ends; what killed processes left behind goes first."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        _remove_unless_in_use(left)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        lock = FileLock(folder / LOCK)
        lock.acquire()
        if folder.exists():  # else another process took it for a leftover before it was locked
            break
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # a forked child ends without touching it
            lock.release()
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder


def _remove_unless_in_use(folder: Path) -> None:
    try:
        with FileLock(folder / LOCK, timeout=0):
            shutil.rmtree(folder, ignore_errors=True)
    except (Timeout, OSError):  # in use, or another user's
        pass


def _import(folder: Path, alias: str) -> ModuleType:
    spec = spec_from_file_location(alias, folder / "__init__.py", submodule_search_locations=[str(folder)])
    assert spec is not None, folder
    assert spec.loader is not None, folder
    module = module_from_spec(spec)
    sys.modules[alias] = module
    spec.loader.exec_module(module)
    return module


def _files(alias: str, folder: Path) -> dict[str, bytes]:
    modules = [module for name, module in sys.modules.items() if name == alias or name.startswith(f"{alias}.")]
    paths = [Path(module.__file__) for module in modules if module.__file__]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def _brief(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _why(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return " ".join(error.stderr.decode(errors="replace").split())
    return "git is not installed"
