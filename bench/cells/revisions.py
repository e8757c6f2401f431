"""The code of a repository as a git revision has it, and as its work tree has it now, each laid as a tree of files.

Both lie in a temporary folder, file by file as they were committed, or as they are: no checkout, no hooks, no
attributes; the work tree and its index are untouched.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import backprop
from backprop import InputError

from . import git
from .source_code import folded
from .temporary_folder import room, scratch

PACKAGE = Path(backprop.__file__).parent
BENCH = Path(__file__).parents[1]


@dataclass(frozen=True)
class Tree:
    """The files of the repository `home` laid in `folder`: as of `commit`; without one, as in the work tree."""

    label: str
    folder: Path
    home: Path
    commit: str | None = None

    def __str__(self) -> str:
        return f"{self.label} ({self.commit[:10]})" if self.commit else self.label


def lay(revision: str, home: Path) -> Tree:
    """The repository at `home` as of this revision, laid in this process's temporary folder; raises InputError."""
    commit = git.commit_of(revision, home)
    folder = scratch() / commit
    if not folder.exists():
        with room():
            begun = Path(tempfile.mkdtemp(dir=scratch()))
        for path, mode, content in git.files_of(commit, home):
            place = begun / path
            with room():
                place.parent.mkdir(parents=True, exist_ok=True)
                if mode == git.SUBMODULE:
                    place.mkdir()
                elif mode == git.LINK:
                    place.symlink_to(os.fsdecode(content))
                else:
                    place.write_bytes(content)
                    place.chmod(0o755 if mode == git.EXECUTABLE else 0o644)
        begun.rename(folder)
    return Tree(revision, folder, home, commit)


def lay_work_tree(home: Path) -> Tree:
    """A copy of the work tree as it lies now, uncommitted changes and new files included, but what git ignores not."""
    with room():
        folder = Path(tempfile.mkdtemp(dir=scratch()))
        for path in git.files_now(home):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(home / path, folder / path, follow_symlinks=False)
    return Tree("the work tree", folder, home)


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
