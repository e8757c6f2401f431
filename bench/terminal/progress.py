"""Progress in the terminal, drawn between timings: the gate's countdown, a sweep's bar, and any other bar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

from ..analysis import speedups
from ..cells.cell import Cell
from ..records.record import Record
from ..report import numbers
from .console import INTERRUPTED, complain, console


class Countdown:
    """The gate's progress: a line that is drawn anew in a terminal, and elsewhere one for each change."""

    def __init__(self, budget: float) -> None:
        self.budget = budget
        self.bar = bar()
        self.task = self.bar.add_task("checking the engines", total=budget)
        self.undecided: int | None = None

    def __enter__(self) -> Countdown:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def __call__(self, undecided: int, rows: int, left: float) -> None:
        told = f"{undecided} of {rows} cells undecided, {max(left, 0):.0f} s left"
        self.bar.update(self.task, description=told, completed=self.budget - left, refresh=True)
        if undecided != self.undecided and not console.is_terminal:
            console.print(told, highlight=False)
        self.undecided = undecided


class SweepBar:
    """A sweep's progress: a bar with the cells at work, and a line for each cell that failed; elsewhere, for each."""

    def __init__(self, folder: Path, outcome: Callable[[Record], str] | None = None) -> None:
        self.folder, self.outcome = folder, outcome or outcome_of
        self.bar = bar(TextColumn("{task.fields[left]} left"))
        self.finished = self.total = 0

    def __enter__(self) -> SweepBar:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.bar.stop()
        if kind is KeyboardInterrupt:
            complain(
                f"interrupted; {self.finished} of {self.total} cells are done and recorded in {self.folder}: the same "
                "command with --resume goes on",
                INTERRUPTED,
            )

    def begin(self, missing: int, total: int) -> None:
        self.finished, self.total = total - missing, total
        self.task = self.bar.add_task("", total=total, completed=self.finished, left="")
        self.bar.start()

    def at_work(self, cells: Sequence[Cell], left: float) -> None:
        at_work = cells[0].id if len(cells) == 1 else f"{len(cells)} cells at once" if cells else "waiting for a worker"
        self.bar.update(
            self.task, description=f"{self.head()} {at_work}", completed=self.finished, left=span(left), refresh=True
        )
        if not cells and not console.is_terminal:
            console.print(f"{self.head()} {at_work}", markup=False, highlight=False)

    def done(self, record: Record, left: float) -> None:
        self.finished += 1
        if record.failures or not console.is_terminal:
            crashed = len(record.failures) == len(record.contestants) + len(record.elsewhere)
            outcome = record.failures[0].left_out if crashed else self.outcome(record)
            told = f"{self.head()} {record.cell.id}  {outcome}  {span(left)} left"
            self.bar.console.print(told, markup=False, highlight=False, soft_wrap=True)

    def head(self) -> str:
        return f"{self.finished:{len(str(self.total))}}/{self.total}"


def outcome_of(record: Record) -> str:
    """A race in a few words: who was fastest, by how much, and who was left out; the summary has it all."""
    told = []
    for result in speedups.fastest(record)[:1]:
        gain = speedups.speedup(record, result)
        told.append(f"{result.name} {numbers.factor(gain.value)}" if gain else result.name)
    told += [f"{result.name} FAILED" for result in record.failures]
    slow = [result.name for result in record.contestants if result.left_out and not result.failed]
    if slow:
        told.append(f"{slow[0] if len(slow) == 1 else len(slow)} left out")
    return ", ".join(told)


def span(seconds: float) -> str:
    """A time to come as a clock has it: 1:23:45."""
    return str(timedelta(seconds=round(seconds)))


def bar(left: ProgressColumn | None = None) -> Progress:
    """A progress bar that is drawn between timings, not by a thread of its own beside them."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), left or TimeRemainingColumn())
    return Progress(*columns, console=console, auto_refresh=False, transient=True, disable=not console.is_terminal)
