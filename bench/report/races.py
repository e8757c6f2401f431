"""Races as lines and tables for the terminal: the machine, the speedups, epochs in seconds, who was left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan

from ..analysis import rows
from ..analysis.rows import Row
from ..cells.cell import Cell
from ..records.record import Record
from . import machines, numbers
from .document import Table

IN_A_LINE = 4  # machines, at the most


def describe(found: Sequence[Record]) -> Iterator[str | Table]:
    """The machine, the tables of speedups, epochs in seconds, and who was left out and why."""
    told = machines.in_lines(record.environment for record in found)
    yield from told if len(told) > IN_A_LINE else [" | ".join(told)]
    for name, commit in dict.fromkeys(
        (result.name, result.commit) for record in found for result in record.contestants
    ):
        if commit:
            yield f"{name} is commit {commit}"
    yield ""
    lines = rows.of(found)
    for part in speedups(lines):
        yield part
        if isinstance(part, Table):
            yield ""
    yield from epochs(lines)
    for row in lines:
        if row.left_out is not None:
            yield f"{row.cell}: {row.engine} was left out: {row.left_out}"
    for record in found:
        if record.lost_in_rounding:
            yield lost_in_rounding(record.cell, record.lost_in_rounding)


def speedups(lines: Sequence[Row]) -> Iterator[str | Table]:
    """A table for each setting, with a line for each cell and engine that was timed."""
    timed = [row for row in lines if row.is_timed]
    floor = any(not isnan(row.efficiency) for row in timed)
    placed = machines.letters(row.machine for row in lines)
    for setting in dict.fromkeys(row.setting for row in timed):
        common = str(setting)  # said once, in the heading
        place = [f"machine {placed[setting.machine]}"] if placed[setting.machine] else []
        if told := [*place, *setting.functions]:
            yield ", ".join(told)
        shown = ["a step", "speedup", "interval", *(["floor"] if floor else []), "noise"]
        table = []
        last = None
        for row in timed:
            if row.setting != setting:
                continue
            table.append(
                [
                    row.cell.replace(f"-{common}", "") if row.cell != last else "",
                    row.engine,
                    numbers.seconds(row.seconds_per_step),
                    numbers.factor(row.speedup) if row.is_compared else "",
                    numbers.interval(row.speedup_low, row.speedup_high) if row.is_compared else "",
                    *([f"{row.efficiency:.0%}" if not isnan(row.efficiency) else ""] if floor else []),
                    f"{row.noise_floor:.1%}" if row.is_compared and row.noise_floor is not None else "",
                ]
            )
            last = row.cell
        yield Table([f"cell ({setting.dtype}-t{setting.threads})", "engine", *shown], table, left=(0, 1), folds=(1,))


def epochs(lines: Sequence[Row]) -> Iterator[str]:
    """The project's headline for each cell over a data set: seconds an epoch, side by side."""
    timed = [row for row in lines if row.data != "random" and row.is_timed]
    placed = machines.letters(row.machine for row in timed)
    for where, cell in dict.fromkeys((row.machine, row.cell) for row in timed):
        times = ", ".join(
            f"{row.engine} {numbers.seconds(row.seconds_per_step * (row.steps_per_slice or 1))}"
            + (f" ({numbers.factor(row.speedup)})" if row.is_compared else "")
            for row in timed
            if (row.machine, row.cell) == (where, cell)
        )
        place = f" on machine {placed[where]}" if placed[where] else ""
        yield f"one epoch, {cell}{place}: {times}"


def lost_in_rounding(cell: Cell, blocks: Sequence[str]) -> str:
    """What the check could not see on the network itself, in a sentence."""
    return (
        f"{cell.id}: the rounding of {cell.dtype} hides the gradient of {', '.join(blocks)} of this network, where its "
        "terms cancel: that the engines follow it was seen on a network made for the check, of the same sizes"
    )
