"""What the gate found, as Python has it: whether a slowdown was, or could be, and each verdict with its interval."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from backprop.packages import needed_by

from ..gate.findings import GateRecord
from ..gate.show import describe
from ..report.document import Table
from .shown import Shown, displayed

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class Judgement(Shown):
    """A run of the gate, by its record."""

    def __init__(self, record: GateRecord) -> None:
        self.record = record

    @property
    def red(self) -> bool:
        """Whether an engine regressed, or was made wrong."""
        return self.record.red

    @property
    def open(self) -> bool:
        """Whether a slowdown beyond the tolerance could be there and could not be told."""
        return self.record.open

    def frame(self) -> pd.DataFrame:
        """A row for each engine and cell that was raced: the verdict, and the slowdown with its interval.

        A slowdown is the time of the change over that of the base. Engines that were not raced have a row, too, with
        their state as the verdict, and why.
        """
        with needed_by("the frame"):
            import pandas as pd
        rows = [
            {
                "engine": found.engine,
                "cell": found.cell.id,
                "verdict": found.verdict,
                "slowdown": found.slowdown and found.slowdown.value,
                "slowdown_low": found.slowdown and found.slowdown.low,
                "slowdown_high": found.slowdown and found.slowdown.high,
                "why": found.why,
            }
            for found in self.record.findings
        ]
        rows += [{"engine": each.engine, "verdict": each.state, "why": each.why} for each in self.record.standings]
        columns = ["engine", "cell", "verdict", "slowdown", "slowdown_low", "slowdown_high", "why"]
        return pd.DataFrame(rows, columns=columns)

    def plot(self) -> Figure:
        """The interval of each slowdown around 1, a panel for each engine."""
        with needed_by("a plot"):
            from ..report.figures import style

            style.load_matplotlib()
            from ..gate import figure
        return displayed(figure.drawn(self.record))

    def told(self) -> Iterator[str | Table]:
        return describe(self.record)

    @property
    def pictured(self) -> str:
        return f"Slowdown against {self.record.against}"
