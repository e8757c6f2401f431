"""What an engine keeps for each batch length, of the latest few: a training run has two, and memory has an end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Workspace = TypeVar("Workspace")

KEPT = 4


class Workspaces(dict[int, Workspace]):
    """`workspaces[length]`, made by `make(length)` when it is first asked for; the oldest goes when there are KEPT.

    make must not refer to the engine: memory would then wait for the garbage collector.
    """

    def __init__(self, make: Callable[[int], Workspace]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, length: int) -> Workspace:
        if len(self) >= KEPT:
            del self[next(iter(self))]
        made = self[length] = self.make(length)
        return made
