"""Who is raced, and how each is timed: checked, weighed, given its steps; the others have the reason.

The first pass of a race admits its contestants; those that come after take the places that it found.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from math import ceil, log2

from msgspec.structs import replace

from backprop import Network
from backprop.check import verify
from backprop.network import Array

from ..cells import capacity
from ..cells.cell import Cell
from ..cells.entry import Entry, why_unfit
from ..cells.inputs import Inputs
from ..cells.isolation import kept
from .floor import Floor
from .lane import Lane, Place, running
from .schedule import PASSES
from .slices import ETA, SLICE_SECONDS, Clock, time_slice
from .tracing import Paused

TellBytes = Callable[[Network, Array, Array], int | None]

UNFIT = "it can't train this network"
PART_SECONDS = 0.0005  # of a slice that explains another's: of what takes microseconds, hundreds of steps
SPARE = 1.5  # times what was needed, as it was seen in two first steps, is enough another time, too
ROUNDS = 10  # in each pass, wanted of every contestant that is fast enough


def admit(lane: Lane, seconds: float, clock: Clock, gradient: bool = True) -> None:
    """Let the engine take its first two steps, and qualify it unless it is too slow in any field.

    gradient says whether that is checked: not of what takes no step, and is checked by other means.
    """
    engine = lane.begun()
    took = []
    for _ in range(2):
        with Paused():
            start = clock()
            engine.step(*lane.inputs.batches[0], ETA)
            took.append(clock() - start)
    lane.first_step_seconds, lane.step_seconds = round(float(took[0]), 6), took[1]
    leave_out_slow([lane], seconds)
    if not lane.left_out:
        qualify(lane, clock, gradient)


def refuse_unhandled(lane: Lane) -> None:
    """Leave the contestant out, by no fault of its own, where it says that it can't train such a network."""
    if reason := why_unfit(lane.make, lane.inputs.network):
        lane.left_out = f"{UNFIT}: {reason}"


def qualify(lane: Lane, clock: Clock, gradient: bool = True) -> None:
    """Check the gradient, weigh the memory of one step, and find how many steps make a slice.

    What is but a part of another's step is of an engine that was checked, and its slices are short: there are many.
    """
    inputs, wanted = lane.inputs, PART_SECONDS if lane.part else SLICE_SECONDS
    if gradient and lane.role == "contestant" and not lane.part:
        given = inputs.network, inputs.x, inputs.y, inputs.cell.batch
        lane.gradient_error = verify(lane.fresh, *given, lane.labels_only)
    if not lane.part:
        lane.peak_bytes = peak_bytes(lane)
    engine = lane.begun()
    engine.step(*inputs.batches[0], ETA)
    lane.steps = inputs.steps or 1
    while (total := lane.steps * time_slice(engine, inputs, lane.steps, clock)) < wanted / 3:
        lane.steps *= 2
    lane.step_seconds = total / lane.steps
    lane.steps = inputs.steps or max(1, round(wanted / lane.step_seconds))


def peak_bytes(lane: Lane) -> int | None:
    """What an engine and its first step hold: by tracemalloc, or by its library where that has arrays of its own."""
    x, y = lane.inputs.batches[0]
    if not lane.traced:
        told_by: TellBytes | None = getattr(lane.make, "peak_bytes", None)  # engines of old revisions have none
        with kept():
            return told_by(lane.inputs.network, x, y) if told_by else None
    tracemalloc.start()
    try:
        lane.begun().step(x, y, ETA)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def out_of_time(cell: Cell, seconds: float) -> str | None:
    """Why nobody can be raced in this time, where a step takes so long; None where one may try."""
    step = capacity.least_seconds(cell.flops, cell.dtype)
    needed = 2 * PASSES[0] * 2 * step
    if needed <= seconds:
        return None
    return (
        f"too slow: the products of a step alone take more than {step:.2g} s, and {PASSES[0]} passes need "
        f"{needed:.1f} s at the least; {seconds:g} s were given: give far more, or name a smaller network or batch"
    )


def leave_out_slow(lanes: Sequence[Lane], seconds: float) -> None:
    """Leave out, the slowest first, whoever has no room for the fewest passes of a warm-up and one round."""
    spent = 0.0
    for lane in sorted(running(lanes), key=lambda lane: lane.step_seconds):
        spent += PASSES[0] * 2 * lane.slice_seconds
        if spent > seconds:
            lane.left_out = (
                f"too slow: a step takes {lane.step_seconds:.2g} s, and {PASSES[0]} passes need "
                f"{spent:.1f} s; {seconds:g} s were given: give {ceil(SPARE * spent)} s or more"
            )


def lane_at(place: Place, contestants: Sequence[Entry], inputs_of: Callable[[Cell | None], Inputs]) -> Lane:
    """The lane of a place, timed as that says, with the engine and the inputs that belong there."""
    own = None if place.entry is None else contestants[place.entry]
    if place.role == "floor":
        make = partial(Floor, products=own.products if own else None)
        lane = Lane(make, inputs_of(place.cell), traced=own is None)
    else:
        assert own is not None, place
        lane = Lane(own.make, inputs_of(place.cell), own.traced, after=own.after)
    for what in ("role", "entry", "cell", "part", "steps", "stride"):
        setattr(lane, what, getattr(place, what))
    return lane


def floors(contestants: Sequence[Entry]) -> list[Place]:
    """A floor by BLAS, called from Python, and one by whatever else an engine in the race has its products made."""
    others = {one.products: number for number, one in reversed(list(enumerate(contestants))) if one.products}
    return [Place(role="floor", entry=number) for number in (None, *others.values())]


def parts(whole: Place, cell: Cell) -> list[Place]:
    """What explains the time of a contestant or a floor in this cell, each the same engine elsewhere.

    On a network of the same depth and functions with one unit a layer there is nothing to compute, and what is left
    are calls: at the same batch, and at a batch of one. The products are those of the floor, and for an engine that
    sends samples through one by one those of a batch of one.
    """
    others = [cell.bare, cell.bare.alone, *([cell.alone] if whole.role == "floor" else [])]
    elsewhere = [other for other in dict.fromkeys(others) if other != cell]
    return [Place(role=whole.role, entry=whole.entry, cell=other, part=True) for other in elsewhere]


def second_copy(lanes: Sequence[Lane]) -> list[Lane]:
    """A second copy of the fastest contestant of the cell, in the same rounds: what the machine can resolve there."""
    fastest = min(
        (lane for lane in running(lanes) if lane.cell is None), key=lambda lane: lane.step_seconds, default=None
    )
    return [replace(fastest, role="twin")] if fastest else []


def set_strides(lanes: Sequence[Lane], seconds: float) -> None:
    """Let the slow sit rounds out, so that the fast have ROUNDS of them in a pass of so many seconds."""
    slices = [lane.slice_seconds for lane in running(lanes)]
    if slices:
        fair = max(seconds / ROUNDS / len(slices), min(slices))
        for lane in running(lanes):  # powers of two, so that two slow contestants meet in the same rounds
            lane.stride = 2 ** int(log2(max(1.0, lane.slice_seconds / fair)))
