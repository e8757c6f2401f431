"""Races as lines and tables for the terminal: the machine, the speedups, epochs in seconds, who was left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from ..cells.cell import Cell, Setting
from ..records.record import Record
from . import machines, numbers
from .document import Table

IN_A_LINE = 4  # machines, at the most


def describe(found: Sequence[Record], rows: pd.DataFrame) -> Iterator[str | Table]:
    """The machine, the tables of speedups, epochs in seconds, and who was left out and why; rows are their frame."""
    told = machines.in_lines(record.environment for record in found)
    yield from told if len(told) > IN_A_LINE else [" | ".join(told)]
    for name, commit in dict.fromkeys(
        (result.name, result.commit) for record in found for result in record.contestants
    ):
        if commit:
            yield f"{name} is commit {commit}"
    yield ""
    for part in speedups(rows):
        yield part
        if isinstance(part, Table):
            yield ""
    yield from epochs(rows)
    for row in rows[rows["left_out"].notna()].itertuples():
        yield f"{row.cell}: {row.engine} was left out: {row.left_out}"
    for record in found:
        if record.lost_in_rounding:
            yield lost_in_rounding(record.cell, record.lost_in_rounding)


def speedups(rows: pd.DataFrame) -> Iterator[str | Table]:
    """A table for each setting, with a line for each cell and engine that was timed."""
    timed = rows[rows["seconds_per_step"].notna()]
    floor = timed["efficiency"].notna().any()
    placed = machines.letters(rows["machine"])
    for key, part in timed.groupby([*Setting._fields], sort=False):
        setting = Setting(*key)
        common = str(setting)  # said once, in the heading
        place = [f"machine {placed[setting.machine]}"] if placed[setting.machine] else []
        if told := [*place, *setting.functions]:
            yield ", ".join(told)
        shown = ["a step", "speedup", "interval", *(["floor"] if floor else []), "noise"]
        lines = []
        last = None
        for row in part.itertuples():
            compared = row.engine != row.baseline and not pd.isna(row.speedup)
            lines.append(
                [
                    row.cell.replace(f"-{common}", "") if row.cell != last else "",
                    row.engine,
                    numbers.seconds(row.seconds_per_step),
                    numbers.factor(row.speedup) if compared else "",
                    numbers.interval(row.speedup_low, row.speedup_high) if compared else "",
                    *([f"{row.efficiency:.0%}" if not pd.isna(row.efficiency) else ""] if floor else []),
                    f"{row.noise_floor:.1%}" if compared and not pd.isna(row.noise_floor) else "",
                ]
            )
            last = row.cell
        yield Table([f"cell ({setting.dtype}-t{setting.threads})", "engine", *shown], lines, left=(0, 1), folds=(1,))


def epochs(rows: pd.DataFrame) -> Iterator[str]:
    """The project's headline for each cell over a data set: seconds an epoch, side by side."""
    timed = rows[(rows["data"] != "random") & rows["seconds_per_step"].notna()]
    placed = machines.letters(rows["machine"])
    for (where, cell), part in timed.groupby(["machine", "cell"], sort=False):
        times = ", ".join(
            f"{row.engine} {numbers.seconds(row.seconds_per_step * row.steps_per_slice)}"
            + (f" ({numbers.factor(row.speedup)})" if row.engine != row.baseline and not pd.isna(row.speedup) else "")
            for row in part.itertuples()
        )
        place = f" on machine {placed[where]}" if placed[where] else ""
        yield f"one epoch, {cell}{place}: {times}"


def lost_in_rounding(cell: Cell, blocks: Sequence[str]) -> str:
    """What the check could not see on the network itself, in a sentence."""
    return (
        f"{cell.id}: the rounding of {cell.dtype} hides the gradient of {', '.join(blocks)} of this network, where its "
        "terms cancel: that the engines follow it was seen on a network made for the check, of the same sizes"
    )
