"""Machines, where a report is of several: a letter for each; and what is known of one."""

from __future__ import annotations

from collections.abc import Iterable
from string import ascii_uppercase
from typing import TYPE_CHECKING

from ..cells import processors
from ..records.environment import Environment
from .document import Table

if TYPE_CHECKING:
    import pandas as pd

MOST_PICTURED = 12  # machines, the first ones: the tables have them all


def letters(machines: Iterable[str]) -> dict[str, str]:
    """A letter for each machine in order of appearance; none where there is only one."""
    found = list(dict.fromkeys(machines))
    return {each: letter(i) if len(found) > 1 else "" for i, each in enumerate(found)}


def letter(number: int) -> str:
    """From 0 on: A to Z, then AA, AB, ..."""
    before, own = divmod(number, len(ascii_uppercase))
    return (letter(before - 1) if before else "") + ascii_uppercase[own]


def placed(text: str, place: str) -> str:
    """With the letter of the machine, where there are several."""
    return f"{text}, machine {place}" if place else text


def with_room(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of as many machines as pictures have room for."""
    return rows[rows["machine"].isin(rows["machine"].unique()[:MOST_PICTURED])]


def in_lines(environments: Iterable[Environment]) -> list[str]:
    """Each of the machines, with its letter where there are several."""
    lettered = letters(about.machine for about in environments)
    return [f"{place}: {told}" if place else told for told, place in lettered.items()]


def described(about: Environment) -> Table:
    """A line for each thing that is known of a machine and of what runs on it."""
    pools = {f"{pool.library} {pool.version} {pool.kernel} (of {pool.of})" for pool in about.blas}
    revision = about.revision and about.revision + (", with uncommitted changes" if about.dirty else "")
    known = {
        "CPU": f"{about.cpu}, {about.cores} cores" + (f", governor {about.governor}" if about.governor else ""),
        "control group": f"gives {processors.told(about.quota)}" if about.quota else None,
        "host": about.host or None,
        "system": about.os,
        "Python": about.python,
        "packages": ", ".join(f"{name} {version}" for name, version in about.packages.items()),
        "BLAS": ", ".join(sorted(pools)),
        "allocator": about.allocator,
        "paused in slices": ", ".join(about.paused) or None,
        "revision": revision or (f"unknown: {about.revision_unknown}" if about.revision_unknown else None),
    }
    return Table(["what", "is"], [(what, told) for what, told in known.items() if told is not None], left=(0, 1))
