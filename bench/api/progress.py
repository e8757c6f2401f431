"""Progress of a call: a bar in a notebook, or in a terminal; nothing where it would be lines of a file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from html import escape
from types import TracebackType
from typing import Any

from ..cells.cell import Cell
from ..records.record import Record
from ..terminal.progress import bar, span

STYLE = "width: 60ex; vertical-align: middle"


class Share:
    """How far something has come, from 0 to 1, under a name."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.bar = bar()
        self.handle: Any = None

    def __enter__(self) -> Share:
        if display := _notebook():
            self.handle = display(_html(self.name, 0.0), raw=True, display_id=True)
        else:
            self.task = self.bar.add_task(self.name, total=1.0)
            self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()
        if self.handle:  # what was raced is shown in its place
            self.handle.update({"text/plain": "", "text/html": ""}, raw=True)

    def __call__(self, share: float, name: str | None = None) -> None:
        """So much is done; of what, if that has another name now."""
        self.name = name or self.name
        if self.handle:
            self.handle.update(_html(self.name, share), raw=True)
        else:
            self.bar.update(self.task, description=self.name, completed=share, refresh=True)


class Cells(Share):
    """How many cells of a sweep are done, and the time that is left."""

    done_cells = total = 0

    def __enter__(self) -> Cells:
        super().__enter__()
        return self

    def begin(self, missing: int, total: int) -> None:
        self.done_cells, self.total = total - missing, total

    def at_work(self, cells: Sequence[Cell], left: float) -> None:
        at_work = cells[0].id if cells else "waiting"
        self(self.done_cells / max(self.total, 1), f"{self.done_cells}/{self.total} {at_work}  {span(left)} left")

    def done(self, record: Record, left: float) -> None:
        self.done_cells += 1
        self.at_work([record.cell], left)


def _notebook() -> Any:
    """IPython's display where this is a notebook's kernel; None elsewhere."""
    if "ipykernel" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    return display if hasattr(get_ipython(), "kernel") else None


def _html(name: str, share: float) -> dict[str, str]:
    text = f"{name} {share:.0%}"
    return {
        "text/plain": text,
        "text/html": f'<progress style="{STYLE}" value="{share:.3f}"></progress> {escape(text)}',
    }
