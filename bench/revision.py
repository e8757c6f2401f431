"""The package `backprop` as another git revision has it, imported beside today's under a name of its own.

`git archive` lays the files in a temporary folder: no checkout, no hooks, the work tree and its index untouched.
"""

from __future__ import annotations

import atexit
import hashlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from io import BytesIO
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

import backprop
from backprop import Engine, InputError, Network
from backprop.errors import brief

from .confined import apart, is_interrupt

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
        """Take a step on a tiny network, as today's interface has it; InputError where the engine does not fit."""
        network = Network.random((3, 2, 1), np.random.default_rng(0))
        try:
            engine = self.make(network)
            engine.step(np.ones((2, 3)), np.ones((2, 1)), 0.0)
            engine.network().copy()
        except BaseException as error:
            if is_interrupt(error):
                raise
            raise InputError(
                f"{self.name} of {self.tree.label} does not fit today's interface: {brief(error)}"
            ) from error

    def files(self) -> dict[str, bytes]:
        """The content of every file of the package that the engine has imported up to now."""
        prefix = f"{self.alias}."
        modules = [module for name, module in sys.modules.items() if name == self.alias or name.startswith(prefix)]
        paths = [Path(module.__file__) for module in modules if module.__file__]
        return {str(path.relative_to(self.tree.folder)): path.read_bytes() for path in paths}


def git(*arguments: str, folder: Path | None = None) -> bytes:
    """What git prints, run in `folder`, or else where the package lies.

    It takes no lock that the user's own git could stumble over, and so leaves even the index as it is.
    Raises OSError where there is no git, and subprocess.CalledProcessError with its stderr where it refuses.
    """
    command = ["git", "--no-optional-locks", *arguments]
    return subprocess.run(command, cwd=folder or PACKAGE.parent, capture_output=True, check=True).stdout


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
    folder = Path(tempfile.mkdtemp(dir=scratch()))
    shutil.copytree(PACKAGE, folder / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    if (PACKAGE.parent / PROJECT).exists():
        shutil.copy(PACKAGE.parent / PROJECT, folder)
    return Tree("the work tree", folder)


def digest() -> str:
    """Sixteen hex digits of a digest of the code, of engines and of races, as it lies in the work tree now."""
    content = hashlib.sha256()
    folders = (PACKAGE, Path(__file__).parent)
    for root, path in ((each, path) for each in folders for path in sorted(each.rglob("*.py"))):
        content.update(f"{root.name}/{path.relative_to(root).as_posix()}\n{path.stat().st_size}\n".encode())
        content.update(path.read_bytes())
    return content.hexdigest()[:16]


def names_of(tree: Tree) -> tuple[str, ...]:
    """The engines of a tree; InputError where its package does not fit today's interface."""
    return _package(tree)[0]


def load(name: str, tree: Tree) -> Loaded:
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


@cache
def scratch() -> Path:
    """The temporary folder of this process, removed when it ends; what killed processes left behind goes first."""
    for lock_file in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
        _remove_unless_in_use(lock_file)
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


def _remove_unless_in_use(lock_file: Path) -> None:
    try:
        with FileLock(lock_file, timeout=0):
            shutil.rmtree(lock_file.parent, ignore_errors=True)
    except (Timeout, OSError):  # in use, or another user's
        pass


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


def _why(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return " ".join(error.stderr.decode(errors="replace").split())
    return "git is not installed"
