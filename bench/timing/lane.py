"""A contestant's lane in one pass of a race: how it is timed, what has been found of it, and what it does wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Literal, ParamSpec

import msgspec

from backprop import Engine, EngineError, Network
from backprop.errors import brief

from ..cells.isolation import filters_kept, is_interrupt, kept

P = ParamSpec("P")


class Place(msgspec.Struct, frozen=True):
    """Who runs where in a race, as each of its passes is told: whose engine, as what, and how it is timed.

    entry is the number of the entry whose engine it is; of a floor, the one by whose library the products are, or
    None for BLAS. A slice is so many steps, and one is taken in every stride-th round.
    """

    role: Literal["contestant", "floor", "twin"]
    entry: int | None
    steps: int = 1
    stride: int = 1


class Found(msgspec.Struct, frozen=True):
    """What a pass found at one place: seconds per step by round, None where it sat a round out; or why there are none.

    failed says that it is the engine's own fault. What is measured once, and what the engine says of itself, is
    there in the first pass alone.
    """

    place: Place
    seconds: list[float | None] = []
    left_out: str | None = None
    failed: bool = False
    first_step_seconds: float | None = None
    gradient_error: float | None = None
    peak_bytes: int | None = None
    commit: str | None = None
    after: str | None = None


@dataclass
class Lane:
    """A contestant's place in one pass: how it is timed, and what has been found of it so far.

    What its engines change of numpy's error state is changed in the lane's own context, and for no other.
    """

    name: str
    make: Callable[[Network], Engine]
    role: Literal["contestant", "floor", "twin"] = "contestant"
    entry: int | None = None
    commit: str | None = None
    after: str | None = None
    traced: bool = True  # tracemalloc sees its memory
    first_step_seconds: float | None = None
    gradient_error: float | None = None
    peak_bytes: int | None = None
    step_seconds: float = 0.0
    steps: int = 1
    stride: int = 1  # takes part in every stride-th round
    seconds: list[float | None] = field(default_factory=list)
    left_out: str | None = None
    failed: bool = False
    context: Context = field(default_factory=copy_context)

    def fresh(self, network: Network) -> Engine:
        """A fresh engine; what making it has changed in this process is put back."""
        with kept():
            return self.make(network)

    @property
    def slice_seconds(self) -> float:
        """What a slice takes, with the untimed step before it."""
        return self.step_seconds * (self.steps + 1)

    def fail(self, error: BaseException) -> None:
        """Leave the contestant out by its own fault, with the error as the reason and no timings."""
        self.left_out = " ".join(str(error).split()) if isinstance(error, EngineError) else brief(error)
        self.failed = True

    def found(self) -> Found:
        return Found(
            Place(self.role, self.entry, self.steps, self.stride),
            [] if self.left_out else self.seconds,
            self.left_out,
            self.failed,
            self.first_step_seconds,
            self.gradient_error,
            self.peak_bytes,
            self.commit,
            self.after,
        )


def attempt(lane: Lane, act: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> bool:
    """Do something with a contestant's engine; where it raises, the contestant has failed. Whether it went well."""
    try:
        with filters_kept():
            lane.context.run(act, *args, **kwargs)
    except BaseException as error:  # a user's engine may raise anything: the others are raced all the same
        if is_interrupt(error):
            raise
        lane.fail(error)
    return not lane.failed


def running(lanes: Sequence[Lane]) -> list[Lane]:
    """The contestants still in the race."""
    return [lane for lane in lanes if not lane.left_out]
