"""A place in a race, with what a pass finds there; and a lane: the place with its engine, while the pass goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from typing import Literal, ParamSpec

import msgspec

from backprop import Engine, EngineError, Network
from backprop.errors import brief

from ..cells.cell import Cell
from ..cells.inputs import Inputs
from ..cells.isolation import filters_kept, is_interrupt, kept

P = ParamSpec("P")


class Place(msgspec.Struct, kw_only=True):
    """Who runs where in a race, how it is timed, and what a pass has found there.

    cell is another one than the race's, of the same threads: None for that. part says that the place is there to
    explain what that of its role and entry takes, by the same engine in another cell: in the first passes. entry is
    the number of the entry whose engine it is; of a floor, the one whose products they are, or None for BLAS called
    from Python. A slice is so many steps, and one is taken in every stride-th round. seconds are those per step,
    by round, None where it sat a round out. left_out says why there are none, failed that it is the engine's own fault.
    What is measured once, and what the engine says of itself, is there in the first pass alone.
    """

    role: Literal["contestant", "floor", "twin"] = "contestant"
    entry: int | None = None
    cell: Cell | None = None
    part: bool = False
    steps: int = 1
    stride: int = 1
    seconds: list[float | None] = []
    left_out: str | None = None
    failed: bool = False
    first_step_seconds: float | None = None
    gradient_error: float | None = None
    peak_bytes: int | None = None
    after: str | None = None


class Lane(Place):
    """A place in the process of a pass; traced says that tracemalloc sees its engine's memory.

    What its engines change of numpy's error state is changed in the lane's own context, and for no other.
    """

    make: Callable[[Network], Engine]
    inputs: Inputs
    traced: bool = True
    step_seconds: float = 0.0
    context: Context = msgspec.field(default_factory=copy_context)

    def fresh(self, network: Network) -> Engine:
        """A fresh engine; what making it has changed in this process is put back."""
        with kept():
            return self.make(network)

    def begun(self) -> Engine:
        """A fresh engine with the network that its inputs are for."""
        return self.fresh(self.inputs.network)

    @property
    def labels_only(self) -> bool:
        """Whether targets are classes alone to its engine; not to one of before there was such a word."""
        return getattr(self.make, "labels_only", False)

    @property
    def slice_seconds(self) -> float:
        """What a slice takes, with the untimed step before it."""
        return self.step_seconds * (self.steps + 1)

    def fail(self, error: BaseException) -> None:
        """Leave the contestant out by its own fault, with the error as the reason and no timings."""
        self.left_out = " ".join(str(error).split()) if isinstance(error, EngineError) else brief(error)
        self.failed, self.seconds = True, []


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
