"""What was raced, as Python has it: the speedup of an engine, its seconds, the tidy frame, a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from backprop import Engine, InputError
from backprop.errors import did_you_mean
from backprop.packages import needed_by

from ..analysis import intervals, speedups
from ..analysis.intervals import Estimate
from ..analysis.rows import of
from ..records.record import Record, Result
from ..report.document import Table
from ..report.races import describe
from .shown import Shown, displayed

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

FIELDS = ("cell", "sizes", "batch", "dtype", "threads", "data", "hidden", "head", "machine")  # of a race as a whole


class Races(Shown):
    """One race or several, by their records: what `race`, `sweep` and `load` give, and a test's fixture.

    `records` are the records themselves, with every slice. To iterate gives each race by itself.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = tuple(records)

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Races]:
        return (Races([record]) for record in self.records)

    @property
    def cells(self) -> list[str]:
        """What was raced in: 784-30-10-b10-float64-t1, ..."""
        return [record.cell.id for record in self.records]

    @property
    def engines(self) -> list[str]:
        """Who was raced, in the order in which they were named."""
        return list(dict.fromkeys(result.name for record in self.records for result in record.contestants))

    def at(self, **fields: object) -> Races:
        """The races in the cells with these values, such as sizes="784-30-10", batch=10; InputError for none.

        The fields are the columns of the frame: cell, sizes, batch, dtype, threads, data, hidden, head, machine.
        """
        if unknown := [name for name in fields if name not in FIELDS]:
            near = did_you_mean(unknown[0], FIELDS)
            raise InputError(f"races have no {unknown[0]!r}: {near}there are {', '.join(FIELDS)}")
        found = [
            record
            for record in self.records
            if all(getattr(row, name) == value for row in of([record])[:1] for name, value in fields.items())
        ]
        if not found:
            asked = ", ".join(f"{name} {value}" for name, value in fields.items())
            raise InputError(f"no race has {asked}: there are {', '.join(self.cells)}")
        return Races(found)

    def relative_to(self, baseline: str) -> Races:
        """The same races with speedups relative to this engine; InputError where nobody raced it."""
        return Races(speedups.relative_to(baseline, self.records))

    def speedup(self, engine: str | type[Engine]) -> Estimate:
        """How many times as fast as the baseline an engine is: value, and low and high, the ends of its 95 % interval.

        Raises InputError where it was not timed, and where there are several races: pick one by `at`.
        """
        record, result = self._one(engine)
        gain = speedups.speedup(record, result)
        if gain is None:
            raise InputError(
                f"{speedups.baseline(record).name}, the baseline, was left out: {_why(speedups.baseline(record))}"
            )
        return gain

    def seconds(self, engine: str | type[Engine]) -> Estimate:
        """What a step takes by an engine, in seconds: value, low, high; raises as `speedup`."""
        taken = intervals.typical(self._one(engine)[1].seconds)
        assert taken is not None, engine
        return taken

    def frame(self) -> pd.DataFrame:
        """A row for each race and engine: the columns of speedup.csv, as results/README.md has them."""
        with needed_by("the frame"):
            from ..analysis import speedup_frame
        return speedup_frame.frame(self.records)

    def plot(self) -> Figure:
        """The speedups with their intervals: a bar for each engine; of a grid, a curve for each over batch sizes."""
        with needed_by("a plot"):
            from ..report.figures import style

            style.load_matplotlib()
            from ..report import api_picture
        return displayed(api_picture.draw(self.records))

    def told(self) -> Iterator[str | Table]:
        return describe(self.records)

    @property
    def pictured(self) -> str:
        return f"Speedup over {', '.join(dict.fromkeys(speedups.baseline(record).name for record in self.records))}"

    def _one(self, engine: str | type[Engine]) -> tuple[Record, Result]:
        """The one record, and what was found of an engine that was timed in it."""
        engine = engine if isinstance(engine, str) else engine.__name__
        if len(self.records) != 1:
            cells = ", ".join(self.cells[:3]) + ", ..." * (len(self.cells) > 3)
            raise InputError(f"there are {len(self.records)} races, in {cells}: pick one by at(sizes=..., batch=...)")
        (record,) = self.records
        found = next((result for result in record.contestants if result.name == engine), None)
        if found is None:
            near = did_you_mean(engine, self.engines)
            raise InputError(f"{engine} was not raced: {near}there are {', '.join(self.engines)}")
        if not found.seconds:
            raise InputError(f"{engine} was left out: {_why(found)}")
        return record, found


def _why(result: Result) -> str:
    return result.left_out or "it has no timings"
