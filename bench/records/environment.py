"""The environment of a race, machine and software, and what may have disturbed the timings in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from ..cells import processors

UNTRACKED = "the code is not under version control"  # no doubt: it was installed, or is a source archive


class Pool(msgspec.Struct, frozen=True):
    """One BLAS library loaded in the process, and the threads it was limited to."""

    library: str
    version: str | None
    kernel: str | None
    threads: int
    of: str


class Environment(msgspec.Struct, frozen=True):
    """What the race ran on; revision and dirty are None where they can't be told, and revision_unknown says why.

    host tells machines of one kind apart without naming them: six hex digits of a digest of the host's name.
    l2_bytes and last_level_bytes are the sizes of the second-level and the last cache of the core that was used, None
    where the system does not tell.
    quota is how many processors' time the control group gives, None where it gives all; throttled is how often it
    stopped the process meanwhile for having used that up, None where nobody counted. core_numbers are those that the
    process ran on, None where the system does not let it choose; cores_shared says whether another race ran there
    too. paused has the names of the tracers and profilers that were there, and stopped while anything was timed.
    """

    cpu: str
    cores: int
    governor: str | None
    os: str
    python: str
    packages: dict[str, str]
    revision: str | None
    dirty: bool | None
    allocator: str
    blas: list[Pool]
    host: str | None = None
    l2_bytes: int | None = None
    last_level_bytes: int | None = None
    quota: float | None = None
    throttled: int | None = None
    core_numbers: list[int] | None = None
    cores_shared: bool = False
    paused: list[str] = []
    revision_unknown: str | None = None

    @property
    def machine(self) -> str:
        """Machine and software in a line: times are compared within one such line only."""
        blas = ", ".join(sorted({f"{pool.library} {pool.version} {pool.kernel}" for pool in self.blas}))
        host = f" (host {self.host})" if self.host else ""
        numpy = self.packages.get("numpy", "of unknown version")
        made_of = f"{self.python}, numpy {numpy} ({blas}); allocator {self.allocator}"
        given = f", {processors.told(self.quota)}" if self.quota else ""
        return f"{self.cpu}, {self.cores} cores{given}{host}; {made_of}"


def doubts(environments: Sequence[Environment]) -> Iterator[str]:
    """What may have disturbed the timings in these environments, or is not known of them, a line for each kind."""

    def among(found: Sequence[Environment]) -> str:
        return f", in {len(found)} of {len(environments)} races" if len(environments) > 1 else ""

    stopped = [about for about in environments if about.throttled]
    short = [about for about in environments if about.quota is not None and about.quota < 1]
    if stopped:
        given = " or ".join(sorted({processors.told(about.quota) for about in stopped if about.quota}))
        times = sum(about.throttled or 0 for about in stopped)
        yield f"throttled {times} times{among(stopped)}: the process has {given}, and is stopped when that is used up"
    elif short:
        yield f"the process has {processors.told(min(about.quota or 0 for about in short))}{among(short)}"
    if crowded := [about for about in environments if about.cores_shared]:
        yield f"another race ran on the same cores{among(crowded)}: no other core was free"
    untold = [about for about in environments if about.revision_unknown not in (None, UNTRACKED)]
    if untold:
        yield f"the revision of the code is not in the record{among(untold)}: {untold[-1].revision_unknown}"
