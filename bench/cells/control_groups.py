"""The control groups that limit this process, as Linux tells them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path("/")  # the tests lay trees of their own


def folders(controller: str) -> Iterator[Path]:
    """Those of the process's group and of those above it, in each hierarchy with this controller: version 1, 2."""
    groups = {}
    for line in lines("proc/self/cgroup"):
        _, controllers, group = line.split(":", 2)
        if not controllers:
            groups["cgroup2"] = group
        elif controller in controllers.split(","):
            groups["cgroup"] = group
    for line in lines("proc/self/mountinfo"):
        place, _, kind = line.partition(" - ")
        top, mount = map(_unescape, place.split()[3:5])
        system, _, options = kind.split(" ", 2)
        if system in groups and (system == "cgroup2" or controller in options.split(",")):
            inside = _inside(groups.pop(system), top)
            own = ROOT / mount.lstrip("/") / inside
            yield from (own, *own.parents)[: len(inside.parts) + 1]


def lines(path: str) -> list[str]:
    """Those of a file of Linux's; none on other systems."""
    try:
        return (ROOT / path).read_text(errors="surrogateescape").splitlines()
    except OSError:
        return []


def _inside(group: str, top: str) -> PurePosixPath:
    """Where a group is in what is mounted, which has `top` as its top; that itself, for one of another namespace."""
    try:
        path = PurePosixPath(group).relative_to(top)
    except ValueError:
        return PurePosixPath()
    return PurePosixPath() if ".." in path.parts else path


def _unescape(text: str) -> str:
    r"""A path of mountinfo's, which has a blank as \040."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
