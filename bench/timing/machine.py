"""What a race runs on: BLAS threads and the allocator, set once; and a description of it all for the record."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cpuinfo
import msgspec
from threadpoolctl import threadpool_info

from backprop import threads
from backprop.cores import l2_bytes, last_level_bytes, taken

from ..cells import processors, revisions
from ..cells.git import GitError, NoRepositoryError, git, top_of
from ..cells.processors import cores
from ..records.environment import UNTRACKED, Environment, Pool
from . import tracing

# glibc's mallopt parameters (malloc.h), with the values that keep every array of a step on the heap and the
# heap from shrinking: otherwise its thresholds move as a process runs, and identical engines differ for good.
MALLOPT = {-3: 1 << 30, -1: (1 << 31) - 1, -2: 64 << 20}  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD
PEERS = ("numba", "torch", "jax", "jaxlib", "tensorflow", "tensorflow-cpu", "autograd")
PACKAGES = ("numpy", "scipy", *PEERS, "pytest-benchmark", "backprop-bench")

_allocator = "default"


class Software(msgspec.Struct, frozen=True):
    """What races are made with: Python, the packages that are installed, and a digest of backprop's own code."""

    python: str
    packages: dict[str, str]
    code: str

    def differences(self, other: Software) -> Iterator[tuple[str, str, str]]:
        """What is not the same: its name, here, and in the other."""
        if self.python != other.python:
            yield "Python", self.python, other.python
        for name in sorted(self.packages.keys() | other.packages.keys()):
            own, others = self.packages.get(name, "none"), other.packages.get(name, "none")
            if own != others:
                yield name, own, others
        if self.code != other.code:
            yield "code of the package backprop", f"of digest {self.code}", f"of digest {other.code}"


def pin_allocator() -> None:
    """Pin the C allocator's thresholds for the rest of this process; leave it alone where that can't be done.

    Linux with glibc only. `environment().allocator` says which of the two happened.
    """
    global _allocator
    if platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    if all(mallopt(parameter, value) == 1 for parameter, value in MALLOPT.items()):
        _allocator = "pinned"


def environment() -> Environment:
    """The machine, the software and the state of this repository.

    Call it `alone`: each pool is listed with its threads as they are now, and the cores are those of now.
    """
    pools = [
        Pool(
            library=pool["internal_api"],
            version=pool["version"],
            kernel=pool.get("architecture"),
            threads=pool["num_threads"],
            of=Path(pool["filepath"]).parent.name,
        )
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    ]
    numbers = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    first = numbers[0] if numbers else 0
    return Environment(
        allocator=_allocator,
        blas=pools,
        cores=cores(),
        core_numbers=numbers,
        cores_shared=threads.shared(),
        governor=_governor(first),
        l2_bytes=l2_bytes(first),
        last_level_bytes=last_level_bytes(first),
        quota=processors.cpus(),
        paused=tracing.present(),
        **_unchanging(),
    )


@contextmanager
def reserved(count: int) -> Iterator[tuple[list[int] | None, bool]]:
    """Take so many cores for the passes of a race, processes that run one after the other, until the block ends.

    Yields their numbers, None where no process can choose its cores, and whether another race runs there as well.
    """
    if hasattr(os, "sched_getaffinity"):
        with taken(count, os.sched_getaffinity(0)) as (numbers, shared):
            yield numbers, shared
    else:
        yield None, False


@contextmanager
def alone(count: int, numbers: list[int] | None = None) -> Iterator[None]:
    """What is timed in the block has so many threads, and as many cores, to itself: nobody else's race, no tracer.

    numbers are those of cores that have been `reserved` for it.
    """
    with tracing.kept_out(), threads.limited(count, numbers):
        yield


def watch() -> Callable[[], int | None]:
    """A function that tells how often the control group has stopped this process since; None where it has no quota."""
    before = processors.throttled()
    return lambda: None if processors.cpus() is None else processors.throttled() - before


@cache
def _unchanging() -> dict[str, Any]:
    """What holds for the whole process and takes a moment to find out."""
    return {
        "cpu": cpuinfo.get_cpu_info().get("brand_raw") or platform.processor() or platform.machine(),
        "os": platform.platform(),
        "python": _python(),
        "packages": versions(),
        "host": hashlib.sha256(platform.node().encode()).hexdigest()[:6],
        **_revision(),
    }


def software() -> Software:
    """That of this process, with the code as it lies on the disk now."""
    return Software(_python(), versions(), revisions.digest())


def _python() -> str:
    return f"{platform.python_implementation()} {platform.python_version()}"


def versions() -> dict[str, str]:
    """Those of the packages that are installed."""
    found = {}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _governor(core: int) -> str | None:
    path = Path(f"/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor")
    return path.read_text().strip() if path.exists() else None


def _revision() -> dict[str, Any]:
    """The git revision of this code and whether the tree differs from it; None, and why, where that can't be told."""
    here = Path(__file__).parent
    try:
        top_of(here)
        dirty = bool(git("status", "--porcelain", "--untracked-files=no", folder=here))
        return {"revision": git("rev-parse", "HEAD", folder=here).decode().strip(), "dirty": dirty}
    except NoRepositoryError:
        return {"revision": None, "dirty": None, "revision_unknown": UNTRACKED}
    except GitError as error:
        return {"revision": None, "dirty": None, "revision_unknown": str(error)}
