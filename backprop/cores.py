"""Which cores a race gets: whole ones, fast ones, and none on which another race of this user's is running.

What the cores are is read from Linux's /sys; other systems do not let a process choose its cores.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/devices")  # the tests lay trees of their own
CPUINFO = Path("/proc/cpuinfo")
UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}

_held: set[int] = set()  # by this process, which is no other race


@dataclass(frozen=True)
class Core:
    """A physical core: the least of its threads' numbers, those that may be used, and how it compares in speed."""

    number: int
    threads: tuple[int, ...]
    speed: tuple[int, ...]


@contextmanager
def taken(count: int, allowed: Collection[int]) -> Iterator[tuple[list[int], bool]]:
    """Choose `count` of the allowed numbers, and keep them from other races of this user's until the block ends.

    Yields the numbers, and whether another race runs there as well, for want of others. The locks are the operating
    system's: none outlives its process.
    """
    found = physical(allowed)
    with ExitStack() as locks:
        own: list[Core] = []
        for core in found:
            if len(own) < count and _locked(core.number, locks):
                own.append(core)
        others = [core for core in found if core not in own][: count - len(own)]
        used = [*own, *others]
        numbers = [core.threads[-1] for core in used]
        second = [number for core in used for number in core.threads[:-1]]
        yield sorted(numbers + second[: count - len(numbers)]), bool(others)


def physical(allowed: Collection[int]) -> list[Core]:
    """The cores of these numbers, those first that a race should have.

    The fast ones of a machine that has two kinds come first; of equals the last, because the first core is the one
    that serves most of the interrupts.
    """
    slow = _numbers(_read("cpu_atom/cpus"))
    found: dict[int, Core] = {}
    for number in sorted(allowed):
        least = min(_numbers(_read(f"system/cpu/cpu{number}/topology/thread_siblings_list")), default=number)
        threads = found[least].threads if least in found else ()
        measures = (_read(f"system/cpu/cpu{number}/{name}") for name in ("cpu_capacity", "cpufreq/cpuinfo_max_freq"))
        speed = (number not in slow, *(int(text) if text.isdigit() else 0 for text in measures))
        found[least] = Core(least, (*threads, number), speed)
    return sorted(found.values(), key=lambda core: (core.speed, core.number), reverse=True)


def l2_bytes(number: int) -> int | None:
    """The second-level cache of the core with this number; None where the system does not tell."""
    return _caches(number).get("2")


def last_level_bytes(number: int) -> int | None:
    """The largest cache that the core with this number has, or has a part in; None where the system does not tell."""
    return max(_caches(number).values(), default=None)


def hertz(number: int) -> float | None:
    """The cycles in a second of the core with this number, as it runs now; None where the system does not tell.

    A virtual machine without cpufreq is told the number on the processor's label, which is not what it runs at.
    """
    if (kilohertz := _read(f"system/cpu/cpu{number}/cpufreq/scaling_cur_freq")).isdigit():
        return 1e3 * int(kilohertz)
    for core in _read(CPUINFO).split("\n\n"):
        told = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in core.splitlines())}
        if told.get("processor") == str(number) and "hypervisor" not in told.get("flags", "hypervisor").split():
            megahertz = told.get("cpu MHz", "")
            return 1e6 * float(megahertz) if megahertz.replace(".", "", 1).isdigit() else None
    return None


def _caches(number: int) -> dict[str, int]:
    """The bytes of the core's caches that hold data, by their level."""
    found: dict[str, int] = {}
    for cache in sorted((ROOT / f"system/cpu/cpu{number}/cache").glob("index*")):
        level, kind, size = (_read(cache / name) for name in ("level", "type", "size"))
        if kind in ("Unified", "Data") and size[:-1].isdigit() and size[-1] in UNITS:
            found.setdefault(level, int(size[:-1]) * UNITS[size[-1]])
    return found


def _read(path: str | Path) -> str:
    """The content of a file of /sys, or of this path; empty where it can't be read."""
    try:
        return (ROOT / path).read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _numbers(text: str) -> set[int]:
    """Those of a list such as 0-3,8."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def _locked(number: int, locks: ExitStack) -> bool:
    """Whether the core is this process's until the locks are given back; also where no lock can be had at all."""
    if sys.platform != "linux" or number in _held:
        return True
    import fcntl

    try:
        file = os.open(_folder() / f"core-{number}", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:  # another user's folder, or none that can be written to: other races can't be seen
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False

    def give_back() -> None:
        _held.discard(number)
        fcntl.flock(file, fcntl.LOCK_UN)  # a forked child of an engine's may have the file open still
        os.close(file)

    _held.add(number)
    locks.callback(give_back)
    return True


def _folder() -> Path:
    """The folder of this user's locks, which nobody else can write to; raises OSError where there is none."""
    folder = Path(tempfile.gettempdir()) / f"backprop-bench-cores-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise PermissionError(f"{folder} is not this user's alone")
    return folder
