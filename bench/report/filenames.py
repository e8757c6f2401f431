"""Names of files that are made of other names: safe on every system and in every link, and distinct."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

LONGEST = 80  # characters: with a suffix, and as a temporary file, far below what systems take


def distinct(names: Iterable[str]) -> list[str]:
    """A file's name for each name, without a suffix; of two that would come out alike the later gets -2, -3, ...

    Letters of ASCII, digits, underscores, dots and hyphens stay; in whichever case, no two come out alike.
    """
    taken: set[str] = set()
    made = []
    for name in names:
        stem = re.sub(r"[^A-Za-z0-9_.]+", "-", name)[:LONGEST].strip("-.") or "x"
        number, own = 1, stem
        while own.lower() in taken:
            number += 1
            own = f"{stem}-{number}"
        taken.add(own.lower())
        made.append(own)
    return made


def shown(path: Path) -> str:
    """A path as text; what is none in it is escaped."""
    return str(path).encode("utf-8", "backslashreplace").decode()
