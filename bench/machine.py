"""What a race runs on: BLAS threads and the allocator, set once; and a description of it all for the record."""

from __future__ import annotations

import ctypes
import hashlib
import platform
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cpuinfo
import msgspec
from threadpoolctl import threadpool_info

from . import revision
from .grid import cores
from .records import Environment, Pool
from .revision import git

# glibc's mallopt parameters (malloc.h), with the values that keep every array of a step on the heap and the
# heap from shrinking: otherwise its thresholds move as a process runs, and identical engines differ for good.
MALLOPT = {-3: 1 << 30, -1: (1 << 31) - 1, -2: 64 << 20}  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD
PACKAGES = ("numpy", "scipy", "numba", "torch", "jax", "jaxlib", "pytest-benchmark", "backprop-bench")

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

    Call it while the race's BLAS threads are set: each pool is listed with its threads as they are now.
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
    return Environment(allocator=_allocator, blas=pools, cores=cores(), **_unchanging())


@cache
def _unchanging() -> dict[str, Any]:
    """What holds for the whole process and takes a moment to find out."""
    return {
        "cpu": cpuinfo.get_cpu_info().get("brand_raw") or platform.processor() or platform.machine(),
        "governor": _governor(),
        "os": platform.platform(),
        "python": _python(),
        "packages": versions(),
        "l2_bytes": _l2_bytes(),
        "host": hashlib.sha256(platform.node().encode()).hexdigest()[:6],
        **_revision(),
    }


def software() -> Software:
    """That of this process, with the code as it lies on the disk now."""
    return Software(_python(), versions(), revision.digest())


def _python() -> str:
    return f"{platform.python_implementation()} {platform.python_version()}"


def versions() -> dict[str, str]:
    """Those of the packages that are installed."""
    found = {}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _governor() -> str | None:
    path = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    return path.read_text().strip() if path.exists() else None


def _l2_bytes() -> int | None:
    """The second-level cache of the first core, as Linux tells it: 2048K."""
    try:
        text = Path("/sys/devices/system/cpu/cpu0/cache/index2/size").read_text().strip()
        return int(text.removesuffix("K")) * 1024
    except (OSError, ValueError):
        return None


def _revision() -> dict[str, Any]:
    """The git revision of this code and whether the tree differs from it; None where git does not track it."""
    here = Path(__file__)
    try:
        git("ls-files", "--error-unmatch", here.name, folder=here.parent)
        dirty = bool(git("status", "--porcelain", "--untracked-files=no", folder=here.parent))
        return {"revision": git("rev-parse", "HEAD", folder=here.parent).decode().strip(), "dirty": dirty}
    except (OSError, subprocess.CalledProcessError):
        return {"revision": None, "dirty": None}
