"""Where results go: files and folders made sure of before anything is timed, and each file written whole or not at all.

Links are followed and stay links. A pipe or a device, /dev/stdout and /dev/fd/N among them, is written to.
"""

from __future__ import annotations

import errno
import itertools
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from backprop import InputError

LOCK = ".lock"
LINKS = 40  # as many in a row as Linux follows


class Output:
    """A file that can be written, now and here: `write` puts it there. InputError says why one can't be.

    A pipe is opened at once: as in a shell, that waits for its reader.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.target = Path(os.path.realpath(path))
        self.stream: int | None = None
        try:
            mode = _mode(path)
            if (number := _descriptor(path)) is not None:
                self.stream = os.dup(number)
                os.write(self.stream, b"")  # fails where it is open for reading only
            elif mode and stat.S_ISDIR(mode):
                raise IsADirectoryError(errno.EISDIR, "it is a folder")
            elif mode and not stat.S_ISREG(mode):
                self.stream = os.open(path, os.O_WRONLY)
            else:
                if mode:
                    os.close(os.open(path, os.O_WRONLY))  # replaced only where it could be overwritten
                _probe(self.target.parent)
        except OSError as error:
            self.close()
            raise InputError(f"{path} can't be written: {error.strerror}; name another file") from error

    def write(self, content: bytes, sync: bool = True) -> None:
        """Write the file; sync says whether it has to be on the disk before this returns.

        Raises InputError where the disk is full or can't be written; what was there is then as it was.
        """
        temporary = self.target.with_name(_temporary())
        try:
            if self.stream is not None:
                left = memoryview(content)
                while left:
                    left = left[os.write(self.stream, left) :]
                return
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                if sync:
                    os.fsync(file.fileno())
            if _mode(self.target):
                _alike(self.target, temporary)
            temporary.replace(self.target)
            if sync:
                sync_folder(self.target.parent)
        except OSError as error:
            left_as = "" if self.stream is not None else "; what was there is left as it was"
            raise InputError(f"{self.path} can't be written: {error.strerror}{left_as}") from error
        finally:
            with suppress(OSError):
                temporary.unlink()

    def close(self) -> None:
        if self.stream is not None:
            os.close(self.stream)


def write(path: Path, content: bytes) -> None:
    """Write a file that can be made again from others; InputError where it can't be written."""
    with closing(Output(path)) as output:
        output.write(content, sync=False)


@contextmanager
def claimed(asked: Mapping[str, Path | None], read: Iterable[str | Path] = ()) -> Iterator[dict[str, Output]]:
    """The files asked for, by their options, all of them made sure of before the block runs.

    Raises InputError for one that can't be written, that two options name, or that is read.
    """
    named = {option: path for option, path in asked.items() if path is not None}
    check_distinct(named, read)
    with ExitStack() as stack:
        yield {option: stack.enter_context(closing(Output(path))) for option, path in named.items()}


def check_distinct(named: Mapping[str, Path], read: Iterable[str | Path] = ()) -> None:
    """InputError where two of the options name one file, or one of them a file that is read."""
    for (option, path), (other, its) in itertools.combinations(named.items(), 2):
        if _same(path, its):
            raise InputError(f"{option} and {other} name the same file, {path}: give each its own")
    for (option, path), source in itertools.product(named.items(), map(Path, read)):
        if source.is_file() and _same(path, source):
            raise InputError(f"{option} names {path}, which is read: name another file")


def write_each(outputs: Mapping[str, Output], contents: Mapping[str, Callable[[], bytes]]) -> None:
    """Write to each output what its option asks for; one that can't be written does not cost the others."""
    errors = []
    for option, output in outputs.items():
        try:
            output.write(contents[option]())
        except InputError as error:
            errors.append(str(error))
    if errors:
        raise InputError("; ".join(errors))


@contextmanager
def made(folder: Path) -> Iterator[None]:
    """The folder, made if need be and sure to be writable; what was made and is empty at the end goes again."""
    fresh: list[Path] = []
    try:
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "it is a file")
        real = Path(os.path.realpath(folder))  # mkdir makes nothing where a link leads
        fresh = [each for each in (real, *real.parents) if not each.exists()]
        real.mkdir(parents=True, exist_ok=True)
        _probe(folder)
        for each in fresh:
            sync_folder(each.parent)
    except OSError as error:
        _remove(fresh)
        raise InputError(f"results folder {folder} can't be written: {error.strerror}; name another folder") from error
    try:
        yield
    finally:
        _remove(fresh)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The folder as `made` has it, for nobody else until the block ends: no dead process keeps the lock."""
    with made(folder):
        lock = FileLock(folder / LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise InputError(
                f"{folder} is in use by another sweep, suite or training: wait until it ends, or name another folder"
            ) from error
        except OSError as error:
            raise InputError(f"{folder / LOCK} can't be locked: {error.strerror}; name another folder") from error
        try:
            yield
        finally:
            with suppress(OSError):  # while it is held: whoever waits for this very file is told that it is gone
                (folder / LOCK).unlink()
            lock.release()


def sync_folder(folder: Path) -> None:
    """Have on the disk what a folder's files are called: a file that was made there, or renamed."""
    if os.name != "posix":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EACCES):  # a system without such a thing; a folder for writing only
            raise


def _temporary() -> str:
    """A hidden file's name, short whatever the name is that it stands in for."""
    return f".{secrets.token_hex(8)}.tmp"


def _probe(folder: Path) -> None:
    """OSError where no file can be made in the folder."""
    probe = folder / _temporary()
    probe.touch(exist_ok=False)
    probe.unlink()


def _alike(old: Path, new: Path) -> None:
    """Give the new file the owner and the permissions of the old one, as far as one may."""
    if hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(new, old.stat().st_uid, old.stat().st_gid)
    with suppress(OSError):  # not every file system has permissions
        shutil.copymode(old, new)


def _remove(folders: Sequence[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # it is not empty, or not there
            folder.rmdir()


def _descriptor(path: Path) -> int | None:
    """N where the path leads to a file that this process has open as N."""
    tables = {os.path.realpath(folder) for folder in ("/dev/fd", "/proc/self/fd")}
    for _ in range(LINKS):
        if path.name.isdecimal() and os.path.realpath(path.parent) in tables:
            return int(path.name)
        if not path.is_symlink():
            break
        path = path.parent / path.readlink()
    return None


def _mode(path: Path) -> int | None:
    """What kind of file the path leads to, and its permissions; None where there is none yet."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _same(path: Path, other: Path) -> bool:
    """Whether both lead to one file, be it there or not; what is written to pipes and devices can be shared."""
    try:
        mode = _mode(path)
        if _descriptor(path) is not None or (mode and not stat.S_ISREG(mode)):
            return False
        return os.path.realpath(path) == os.path.realpath(other) or path.samefile(other)
    except OSError:  # what is wrong with either is told where it is opened
        return False
