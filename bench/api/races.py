"""What was raced, as Python has it: the speedup of an engine, its seconds, the tidy frame, a picture."""

from __future__ import annotations

from collections.abc import Sequence

from backprop import InputError

from ..analysis import intervals, speedups
from ..analysis.intervals import Estimate
from ..records.record import Record


class Races:
    """One race or many, by their records."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = tuple(records)

    def speedup(self, engine: str) -> Estimate:
        """How many times as fast as the baseline the engine is; InputError where it was not timed."""
        (record,) = self.records
        found = next((result for result in record.contestants if result.name == engine), None)
        gain = found and speedups.speedup(record, found)
        if not gain:
            raise InputError(f"{engine} was not timed")
        return gain

    def seconds(self, engine: str) -> Estimate:
        """What a step takes by this engine; InputError where it was not timed."""
        (record,) = self.records
        found = next((result for result in record.contestants if result.name == engine), None)
        taken = found and intervals.typical(found.seconds)
        if not taken:
            raise InputError(f"{engine} was not timed")
        return taken
