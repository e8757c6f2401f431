"""From claims to races: what is raced side by side, and which claims this machine can't race, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import backprop
from backprop import InputError

from ..cells import entry
from ..cells.cell import Cell
from ..cells.entry import Entry
from ..timing.one_pass import RaceJob
from .claim import Arm, Claim
from .ways import WAYS

START = 2.0  # a race whose processes take seconds to start is given so many times the seconds of another


@dataclass
class Plan:
    """The contestants of each race, by the cell that it is recorded under; and the claims left out, with the reason."""

    races: dict[Cell, list[Arm]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def jobs(self, seconds: float) -> list[RaceJob]:
        """A race of about so many seconds each; where processes start slowly, as with PyTorch's, of more."""
        return [_job(cell, contestants, seconds) for cell, contestants in self.races.items()]


def plan(claims: Iterable[Claim]) -> Plan:
    """Claims that compare in one cell share its race; what one engine does in several cells is raced in one, too.

    Raises InputError where engines and ways to make a product would meet in one race.
    """
    made = Plan()
    for claim in claims:
        try:
            for engine in (claim.slow.engine, claim.fast.engine):
                if engine not in WAYS:
                    backprop.load(engine)
            comparisons = list(claim.comparisons(here=True))
        except InputError as error:
            made.left_out[claim.name] = str(error)
            continue
        for _, slow, fast in comparisons:
            race = made.races.setdefault(slow.cell, [])
            if len({one.engine in WAYS for one in (*race, slow, fast)}) > 1:
                raise InputError(
                    f"claim {claim.name}: at {slow.cell.id} engines and ways to make a product would share a race; "
                    "they are timed apart: give it another cell"
                )
            race += [one for one in dict.fromkeys((slow, fast)) if one not in race]
    return made


def _job(cell: Cell, contestants: Sequence[Arm], seconds: float) -> RaceJob:
    names, slow = [one.engine for one in contestants], False
    if names[0] in WAYS:
        entries = [Entry(name, name) for name in names]
    else:
        entries = entry.resolve(names)
        slow = any(not one.traced or getattr(one.make, "compiles", False) for one in entries)
    cells = [one.cell for one in contestants]
    return RaceJob(
        cell,
        entries,
        seconds * START if slow else seconds,
        floor=False,
        pin=True,
        cells=[] if set(cells) == {cell} else cells,
    )
