"""What git tells of the repository in which a folder lies: its commits, and their files as they were committed."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
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
LINK, SUBMODULE, EXECUTABLE = "120000", "160000", "100755"  # modes in a tree
PROMISOR = r"^remote\..*\.promisor$"
AT_ONCE = 100  # objects, read into memory


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


def files_of(commit: str, folder: Path) -> Iterator[File]:
    """The files of a commit of the repository in which `folder` lies, with those of its submodules that are here.

    They are the bytes that were committed, whatever attributes and configuration make of them in a work tree. Of a
    submodule that is not here there is only its place. Raises GitError where this clone does not have the files.
    """
    top = top_of(folder, tracked=False)
    listed = git("--no-replace-objects", "ls-tree", "-r", "-z", "--full-tree", commit, folder=top)
    entries = []
    for line in listed.split(b"\0")[:-1]:
        about, _, name = line.partition(b"\t")
        mode, _, oid = about.decode().split()
        entries.append((PurePosixPath(os.fsdecode(name)), mode, oid))
    blobs = [entry for entry in entries if entry[1] != SUBMODULE]
    if _partial(top):
        _fetch_missing(commit, top)
    for first in range(0, len(blobs), AT_ONCE):
        chunk = blobs[first : first + AT_ONCE]
        try:
            contents = _contents([oid for _, _, oid in chunk], top)
        except GitError as error:
            if not _partial(top):
                raise
            raise GitError(
                f"the files of {commit[:10]} are not in this clone, which is a partial one, and can't be fetched now: "
                f"git fetch --refetch --no-filter, or clone without --filter ({error})"
            ) from error
        yield from (File(path, mode, content) for (path, mode, _), content in zip(chunk, contents, strict=True))
    for path, mode, oid in entries:
        if mode == SUBMODULE and _is_here(oid, top / path):
            yield from (file._replace(path=path / file.path) for file in files_of(oid, top / path))
        elif mode == SUBMODULE:
            yield File(path, mode, b"")


def files_now(top: Path) -> Iterator[PurePosixPath]:
    """The files of the work tree, below its top: those that git tracks or would add; those of its submodules, too."""
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", folder=top)
    for name in dict.fromkeys(listed.split(b"\0")[:-1]):
        path = PurePosixPath(os.fsdecode(name))
        if (top / path).is_dir() and not (top / path).is_symlink():
            inside = files_now(top / path) if (top / path / ".git").exists() else ()
            yield from (path / file for file in inside)
        elif (top / path).is_file() or (top / path).is_symlink():
            yield path


def is_ignored(path: Path) -> bool:
    """Whether git ignores the file, as it does what is generated or built."""
    try:
        return bool(git("check-ignore", "--", str(path), folder=path.parent))
    except GitError:
        return False


def _contents(oids: list[str], folder: Path) -> list[bytes]:
    """The content of each object."""
    given = "".join(f"{oid}\n" for oid in oids).encode()
    said = git("--no-replace-objects", "cat-file", "--batch", folder=folder, given=given)
    contents, at = [], 0
    for _ in oids:
        head, at = said[at : (end := said.index(b"\n", at))].split(), end + 1
        size = int(head[2])
        contents.append(said[at : at + size])
        at += size + 1
    return contents


def _is_here(commit: str, folder: Path) -> bool:
    """Whether a submodule is checked out in this folder, and has the commit."""
    try:
        return top_of(folder, tracked=False).samefile(folder) and not git("cat-file", "-e", commit, folder=folder)
    except GitError:
        return False


def _fetch_missing(commit: str, top: Path) -> None:
    """Have a partial clone fetch what it lacks of a commit, in one go; it would do so file by file."""
    remote = os.fsdecode(git("config", "--get-regexp", PROMISOR, folder=top)).partition("\n")[0].split(".")[1]
    listed = git("rev-list", "--objects", "--no-walk", "--missing=print", commit, folder=top).split()
    missing = b"\n".join(name[1:] for name in listed if name.startswith(b"?"))
    options = ("--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--filter=blob:none", "--stdin")
    with suppress(GitError):  # what is missing then is told where it is read
        if missing:
            git("-c", "fetch.negotiationAlgorithm=noop", "fetch", remote, *options, folder=top, given=missing + b"\n")


def _partial(folder: Path) -> bool:
    try:
        return bool(git("config", "--get-regexp", PROMISOR, folder=folder))
    except GitError:  # none is set
        return False
