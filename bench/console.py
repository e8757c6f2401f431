"""The terminal: lines and tables, one line for an error, and progress that is drawn between timings."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from shutil import get_terminal_size
from typing import NoReturn

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from . import words
from .grid import Cell
from .records import Environment, Record, doubts

INTERRUPTED = 130  # as a shell has it

console = Console(emoji=False)  # :x: is a part of a name


def complain(message: str, status: int) -> NoReturn:
    """One line on standard error; none where typer has already printed the help that was asked for."""
    if message:
        print(f"backprop-bench: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(status)


def refusal(error: OSError | MemoryError) -> str:
    """What the machine would not do, in a line."""
    if isinstance(error, MemoryError):
        return f"out of memory: {error or 'no more is given'}; name smaller sizes or a smaller batch"
    return f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)


def warn(message: str) -> None:
    """One line on standard error, and on with it."""
    print(f"backprop-bench: warning: {message}", file=sys.stderr)


def warn_of(environments: Sequence[Environment]) -> None:
    """A warning for all that may have disturbed the timings that were made in these environments."""
    for doubt in doubts(environments):
        warn(doubt)


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

    def __init__(self, folder: Path) -> None:
        self.folder = folder
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
            console.print(f"{self.head()} {at_work}", highlight=False)

    def done(self, record: Record, left: float) -> None:
        self.finished += 1
        if record.failures or not console.is_terminal:
            crashed = len(record.failures) == len(record.contestants)
            outcome = record.failures[0].left_out if crashed else words.outcome(record)
            told = f"{self.head()} {record.cell.id}  {outcome}  {span(left)} left"
            self.bar.console.print(escape(told), highlight=False, soft_wrap=True)

    def head(self) -> str:
        return f"{self.finished:{len(str(self.total))}}/{self.total}"


def span(seconds: float) -> str:
    """A time to come as a clock has it: 1:23:45."""
    return str(timedelta(seconds=round(seconds)))


def bar(left: ProgressColumn | None = None) -> Progress:
    """A progress bar that is drawn between timings, not by a thread of its own beside them."""
    columns = (TextColumn("{task.description}"), BarColumn(), left or TimeRemainingColumn())
    return Progress(*columns, console=console, auto_refresh=False, transient=True, disable=not console.is_terminal)


def show(parts: Iterable[str | Table], to: Console = console) -> None:
    """Print lines, wrapped to the terminal's width, and tables, never so narrow that a number is cut."""
    if to.width < 1:  # COLUMNS=0, which elsewhere says that nothing is known of it
        to.width = get_terminal_size().columns
    for part in parts:
        if isinstance(part, Table) and (least := _least_width(part)) > to.width:
            part.width = least
        to.print(part, highlight=False, crop=False)


def _least_width(table: Table) -> int:
    """Of a table whose columns are a character apart: what must not be wrapped is in a line, and no word is cut."""
    least = len(table.columns)
    for column in table.columns:
        told = [Text.from_markup(str(field)).plain for field in (column.header, *column.cells)]
        parts = told if column.no_wrap else [] if column.overflow == "fold" else " ".join(told).split()
        least += max(map(cell_len, parts), default=column.min_width or 1)
    return least
