"""What people see of a results folder: the CSV, the plots, the page, and the summary in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

import pandas as pd
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from . import curves, ladder, learning, memory, page, plots, records, summary, to_accuracy, waterfall, words
from .records import Environment, Record
from .train import Epoch

CSV = "speedup.csv"
PAGE = "report.md"


def build(folder: Path) -> Iterator[str | Table]:
    """Rebuild everything in the folder that follows from its records, and yield the summary to print."""
    trained, warnings = to_accuracy.load(folder)
    if (folder / records.FILE).exists() or not trained:
        found, torn = records.load(folder)
        warnings += torn
    else:
        found = []
    rows = summary.frame(found)
    files = [file.name for file in (folder / records.FILE, folder / to_accuracy.FILE) if file.exists()]
    note, pictures = "", curves.save(trained, folder) if trained else []
    if found:
        with records.written_whole(folder / CSV) as temporary:
            summary.write_csv(rows, temporary)
        files.insert(0, CSV)
        note = footnote(found, rows)
        pictures += draw(found, rows, folder, note)
    with records.written_whole(folder / PAGE) as temporary:
        temporary.write_text(page.markdown(found, rows, note, pictures, trained), encoding="utf-8")
    if found:
        yield from describe(found)
    if trained:
        yield from learning.describe(trained)
    yield from (f"warning: {escape(warning)}" for warning in warnings)
    yield f"in {escape(str(folder))}: {PAGE}, {', '.join(files)}, {len(pictures)} pictures"


def draw(found: Sequence[Record], rows: pd.DataFrame, folder: Path, note: str) -> list[Path]:
    """Every picture that these records are enough for."""
    paths = []
    if top := ladder.headline(found):
        paths += plots.save_both(waterfall.draw(top, note), folder / "waterfall")
    paths += plots.draw(rows, folder, note)
    if figure := memory.draw(rows, note):
        paths += plots.save_both(figure, folder / "memory-by-batch")
    return paths


def describe(found: Sequence[Record]) -> Iterator[str | Table]:
    """The machine, the tables of speedups, epochs in seconds, and who was left out and why."""
    rows = summary.frame(found)
    yield escape(machine(record.environment for record in found))
    for name, commit in dict.fromkeys(
        (result.name, result.commit) for record in found for result in record.contestants
    ):
        if commit:
            yield escape(f"{name} is commit {commit}")
    yield ""
    for table in speedups(rows):
        yield table
        yield ""
    yield from epochs(rows)
    for row in rows[rows["left_out"].notna()].itertuples():
        yield f"{row.cell}: {escape(str(row.engine))} was left out: {escape(str(row.left_out))}"


def machine(environments: Iterable[Environment]) -> str:
    """Where the records were made, in a line; several machines are all named."""
    return " | ".join(dict.fromkeys(about.machine for about in environments))


def footnote(found: Sequence[Record], rows: pd.DataFrame) -> str:
    """The foot of every plot: machine, date, noise floor."""
    noise = rows["noise_floor"].dropna()
    resolved = (
        f"noise floor {noise.median():.1%} in the median cell, {noise.max():.1%} in the worst" if len(noise) else ""
    )
    return f"{machine(record.environment for record in found)}\n{found[-1].started[:10]}; {resolved}"


def speedups(rows: pd.DataFrame) -> Iterator[Table]:
    """A table for each dtype and number of threads, with a line for each cell and engine that was timed."""
    timed = rows[rows["seconds_per_step"].notna()]
    floor = timed["efficiency"].notna().any()
    for (dtype, threads), part in timed.groupby(["dtype", "threads"], sort=False):
        common = f"{dtype}-t{threads}"  # said once, in the heading
        table = Table(box=SIMPLE, show_edge=False, pad_edge=False, padding=0)  # fits into 80 columns
        table.add_column(f"cell ({common})", no_wrap=True)
        table.add_column("engine", overflow="fold", min_width=11)
        for heading in ("a step", "speedup", "interval", *(["floor"] if floor else []), "noise"):
            table.add_column(heading, justify="right", no_wrap=True)
        last = None
        for row in part.itertuples():
            compared = row.engine != row.baseline and not pd.isna(row.speedup)
            table.add_row(
                str(row.cell).replace(f"-{common}", "") if row.cell != last else "",
                escape(str(row.engine)),
                words.seconds(row.seconds_per_step),
                words.factor(row.speedup) if compared else "",
                words.interval(row.speedup_low, row.speedup_high) if compared else "",
                *([f"{row.efficiency:.0%}" if not pd.isna(row.efficiency) else ""] if floor else []),
                f"{row.noise_floor:.1%}" if compared and not pd.isna(row.noise_floor) else "",
            )
            last = row.cell
        yield table


def epochs(rows: pd.DataFrame) -> Iterator[str]:
    """The project's headline for each cell over a data set: seconds an epoch, side by side."""
    timed = rows[(rows["data"] != "random") & rows["seconds_per_step"].notna()]
    for cell, part in timed.groupby("cell", sort=False):
        times = ", ".join(
            f"{row.engine} {words.seconds(row.seconds_per_step * row.steps_per_slice)}"
            + (f" ({words.factor(row.speedup)})" if row.engine != row.baseline and not pd.isna(row.speedup) else "")
            for row in part.itertuples()
        )
        yield escape(f"one epoch, {cell}: {times}")


class Lessons:
    """A training run as lines to print: an epoch a line, then seconds per epoch side by side with their factor."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.widths = [max(len(name), 10) for name in names]
        self.epochs: list[Epoch] = []

    def add(self, epoch: Epoch) -> Iterator[str]:
        self.epochs.append(epoch)
        if len(self.epochs) == 1:
            titles = "  ".join(f"{name:>{width}} accuracy" for name, width in zip(self.names, self.widths, strict=True))
            yield escape(f"epoch  {titles}")
        cells = "  ".join(
            f"{words.seconds(epoch.seconds[name]):>{width}} {epoch.accuracy[name]:8.2%}"
            for name, width in zip(self.names, self.widths, strict=True)
        )
        yield f"{epoch.number:5}  {cells}"

    def conclude(self) -> Iterator[str]:
        """Medians over the epochs; each factor is the median of the epochs' own ratios."""
        first = self.names[0]
        for name in self.names:
            typical = median(epoch.seconds[name] for epoch in self.epochs)
            line = f"{name}: {words.seconds(typical)} an epoch, test accuracy {self.epochs[-1].accuracy[name]:.2%}"
            if name != first:
                gain = median(epoch.seconds[first] / epoch.seconds[name] for epoch in self.epochs)
                line += f"; {words.factor(gain)} as fast as {first}"
            yield escape(line)
