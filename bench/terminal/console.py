"""The terminal: the writer of lines and tables, and one line for an error or a warning."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from shutil import get_terminal_size
from typing import IO, NoReturn

import rich.table
from rich.box import SIMPLE
from rich.cells import cell_len
from rich.console import Console

from ..records.environment import Environment, doubts
from ..report.document import Table

INTERRUPTED = 130  # as a shell has it
NARROWEST = 11  # characters of a column that is folded: full_matrix

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


def screen(file: IO[str], colours: bool) -> Console:
    """A terminal, or what stands for one, beside standard output."""
    return Console(file=file, force_terminal=colours, emoji=False)


def show(parts: Iterable[str | Table], to: Console = console) -> None:
    """Print lines, wrapped to the terminal's width, and tables, never so narrow that a number is cut.

    All of it is text: square brackets and colons stay what they are.
    """
    if to.width < 1:  # COLUMNS=0, which elsewhere says that nothing is known of it
        to.width = get_terminal_size().columns
    for part in parts:
        to.print(_drawn(part, to.width) if isinstance(part, Table) else part, markup=False, highlight=False, crop=False)


def _drawn(table: Table, width: int) -> rich.table.Table:
    """The table as wide as it needs to be, but for what may be broken no wider than the terminal."""
    named = bool(table.headings)
    drawn = rich.table.Table(
        box=SIMPLE if named else None,
        show_header=named,
        show_edge=False,
        pad_edge=False,
        padding=0 if named else (0, 1),  # so that nine columns fit into 80
    )
    least = 0
    for number, fields in enumerate(zip(*filter(None, (table.headings, *table.lines)), strict=True)):
        folds, wraps = number in table.folds, number in table.wraps
        words = " ".join(fields).split() if wraps else fields
        least += 1 + (NARROWEST if folds else max(map(cell_len, words), default=1))
        drawn.add_column(
            table.headings[number] if named else "",
            justify="left" if number in table.left else "right",
            no_wrap=not (folds or wraps),
            overflow="fold",
            min_width=NARROWEST if folds else None,
        )
    for line in table.lines:
        drawn.add_row(*line)
    if least > width:
        drawn.width = least
    return drawn
