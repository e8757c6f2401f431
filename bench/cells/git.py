"""What git tells of the repository in which a folder lies: its commits, and their files as they were committed."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from backprop import InputError

# What `git rev-parse --local-env-vars` lists: a hook's word on which repository is meant. The one that is asked here
# is the one in which the folder lies. Configuration given by the environment stays, as it does for submodules.
ELSEWHERE = frozenset(
    f"GIT_{name}"
    for name in (
        "ALTERNATE_OBJECT_DIRECTORIES", "CONFIG", "OBJECT_DIRECTORY", "DIR", "WORK_TREE", "IMPLICIT_WORK_TREE",
        "GRAFT_FILE", "INDEX_FILE", "NO_REPLACE_OBJECTS", "REPLACE_REF_BASE", "PREFIX", "INTERNAL_SUPER_PREFIX",
        "SHALLOW_FILE", "COMMON_DIR",
    )
)  # fmt: skip
LINK, SUBMODULE = "120000", "160000"  # modes in a tree
LFS = b"version https://git-lfs.github.com/spec/"


class GitError(InputError):
    """Git is not there, or refuses: the message says why, and the way out where there is one."""


class NoRepositoryError(GitError):
    """The folder lies in no git repository, or git does not track it."""


class File(NamedTuple):
    """A file of a commit, with its path from the top of the repository; a link's content is where it leads."""

    path: PurePosixPath
    mode: str
    content: bytes


def git(*arguments: str, folder: Path, given: bytes = b"") -> bytes:
    """What git prints, run in `folder`, with `given` as its input.

    It takes no lock that the user's own git could stumble over, and so leaves even the index as it is; it never asks
    for a password. Raises GitError.
    """
    environment = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    environment |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    command = ["git", "-C", str(folder), "--no-optional-locks", *arguments]
    try:
        done = subprocess.run(command, env=environment, input=given, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise GitError("git is not installed") from error
    if done.returncode:
        raise _error(done.stderr.decode(errors="replace"), folder)
    return done.stdout


def _error(said: str, folder: Path) -> GitError:
    if owned := re.search(r"safe\.directory (.+)", said):
        path = owned[1].strip()
        return GitError(
            f"the repository {path} belongs to another user, and git does not read it until it is told to: "
            f"git config --global --add safe.directory {path}"
        )
    if "not a git repository" in said or "cannot change to" in said:
        return NoRepositoryError(f"{folder} is not a git repository, nor in one")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return GitError(next((line for line in lines if line.startswith(("fatal:", "error:"))), " ".join(lines)))


def top_of(folder: Path, tracked: bool = True) -> Path:
    """The top of the work tree in which `folder` lies; NoRepositoryError where there is none, or it isn't `tracked`."""
    top = Path(os.fsdecode(git("rev-parse", "--show-toplevel", folder=folder)).removesuffix("\n"))
    if tracked and not git("ls-files", "-z", folder=folder):
        raise NoRepositoryError(f"{folder} is not under version control: git does not track it")
    return top


def commit_of(revision: str, folder: Path) -> str:
    """The commit that a revision such as HEAD~3 names; InputError where there is none, or no repository."""
    if not revision.strip():
        raise InputError(
            "a revision is missing after the @ of an engine, or for --against: give one that git knows, such as HEAD~1"
        )
    try:
        git("rev-parse", "--git-dir", folder=folder)
    except GitError as error:
        raise type(error)(f"what revision {revision!r} is can't be told: {error}") from error
    try:
        found = git("rev-parse", "--verify", "--end-of-options", revision, folder=folder).decode().strip()
        if found.startswith("^"):
            raise GitError("Needed a single revision")
        return git("rev-parse", "--verify", f"{found}^{{commit}}", folder=folder).decode().strip()
    except GitError as error:
        shallow = git("rev-parse", "--is-shallow-repository", folder=folder).strip() == b"true"
        hints = ["give one branch, tag or commit that `git log` shows"]
        hints += ["this clone is shallow and has only the newest: git fetch --unshallow"] if shallow else []
        said = str(error)
        reason = "" if re.search("Needed a single revision|does not appear|could not fetch", said) else f" ({said})"
        raise InputError(f"git knows no revision {revision!r} here{reason}; {'; '.join(hints)}") from error


def package_at(commit: str, revision: str, folder: Path, beside: str) -> Iterator[File]:
    """The files of the package in `folder` as of this commit, below its name, and the nearest file `beside` it.

    The commit is what `revision` names.

    They are the bytes that were committed, whatever attributes and configuration make of them in a work tree. Where
    the package is not where it is now, it is looked for elsewhere. Raises InputError where the commit has none, or
    several; where a file of it lies in a submodule or in Git LFS; where this clone does not have the files.
    """
    named = f"{revision} ({commit[:10]})"
    where = PurePosixPath(os.fsdecode(git("rev-parse", "--show-prefix", folder=folder)).removesuffix("\n"))
    try:
        entries = _entries(commit, where, folder=folder)
        if not any(path == where / "__init__.py" for path, *_ in entries):
            where = _moved(commit, named, folder)
            entries = _entries(commit, where, folder=folder)
        around = _entries(commit, *(parent / beside for parent in where.parents), folder=folder) if where.parts else []
        near = sorted(around, key=lambda entry: len(entry[0].parts))[-1:]
        contents = _contents([oid for _, _, oid in (*entries, *near)], folder)
    except GitError as error:
        if not _partial(folder):
            raise
        raise GitError(
            f"the files of {named} are not in this clone, which is a partial one, and can't be fetched now: "
            f"git fetch --refetch --no-filter, or clone without --filter ({error})"
        ) from error
    for (path, mode, _), content in zip((*entries, *near), contents, strict=True):
        if mode == SUBMODULE or content.startswith(LFS):
            place = "a submodule" if mode == SUBMODULE else "Git LFS"
            raise InputError(f"{path} of {named} lies in {place}, not in this repository")
        inside = path.is_relative_to(where)
        yield File(folder.name / path.relative_to(where) if inside else PurePosixPath(beside), mode, content)


def _moved(commit: str, named: str, folder: Path) -> PurePosixPath:
    """Where the package was at a commit that does not have it where it is now."""
    paths = [path for path, *_ in _entries(commit, PurePosixPath(), folder=folder)]
    found = [path.parent for path in paths if path.parts[-2:] == (folder.name, "__init__.py")]
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(sorted(map(str, found)))
        raise InputError(f"{named} has the package {folder.name} in several places, none of them today's: {several}")
    raise InputError(f"{named} has no package {folder.name}: give a later revision")


def _entries(commit: str, *paths: PurePosixPath, folder: Path) -> list[tuple[PurePosixPath, str, str]]:
    """Path, mode and object of each file at or below these paths, or anywhere below the top itself."""
    asked = [] if PurePosixPath() in paths else [str(path) for path in paths]
    listed = git("--no-replace-objects", "ls-tree", "-r", "-z", "--full-tree", commit, "--", *asked, folder=folder)
    found = []
    for line in listed.split(b"\0")[:-1]:
        about, _, name = line.partition(b"\t")
        mode, _, oid = about.decode().split()
        found.append((PurePosixPath(os.fsdecode(name)), mode, oid))
    return found


def _contents(oids: list[str], folder: Path) -> list[bytes]:
    """The content of each object; of a submodule's commit, which is not here, nothing."""
    given = "".join(f"{oid}\n" for oid in oids).encode()
    said = git("--no-replace-objects", "cat-file", "--batch", folder=folder, given=given)
    contents, at = [], 0
    for _ in oids:
        head, at = said[at : (end := said.index(b"\n", at))].split(), end + 1
        size = int(head[2]) if len(head) == 3 else 0
        contents.append(said[at : at + size])
        at += size + 1 if len(head) == 3 else 0
    return contents


def _partial(folder: Path) -> bool:
    try:
        return bool(git("config", "--get-regexp", r"^remote\..*\.promisor$", folder=folder))
    except GitError:  # none is set
        return False
