"""What people see of a results folder: the CSV, the plots, the page, and the summary in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from backprop import InputError

from . import (
    compare,
    cost,
    figure_accuracy_curves,
    figure_save,
    figure_side_by_side,
    html,
    learning,
    markdown,
    outputs,
    pictures,
    records,
    story,
    summary,
    to_accuracy,
    words,
)  # fmt: skip
from .document import Section, Table
from .facets import letter, letters
from .filenames import shown
from .records import Environment, Record
from .setting import Setting

CSV = "speedup.csv"
MARKDOWN = "report.md"
HTML = "report.html"
QUESTION = "How much faster is backprop over a whole mini-batch?"
IN_A_LINE = 4  # machines, at the most
COMPARED = "A dot for each cell and engine: on the diagonal where the folders agree"


def build(folder: Path) -> Iterator[str | Table]:
    """Rebuild everything in the folder that follows from its records, and yield the summary to print."""
    trained, warnings = to_accuracy.load(folder)
    found: list[Record] = []
    raced = folder / records.FILE
    if not trained or (raced.exists() and raced.stat().st_size):
        found, torn = records.load(folder)
        warnings += torn
    warnings += records.doubts([*(one.environment for one in found), *(one.environment for one in trained)])
    models = cost.models(found)
    rows = summary.frame(found, models)
    files = [file.name for file in (folder / records.FILE, folder / to_accuracy.FILE) if file.exists()]
    note = footnote(found, rows) if found else ""
    if found:
        outputs.write(folder / CSV, summary.csv(rows))
        files.insert(0, CSV)
    asked = [*figure_accuracy_curves.draw(trained), *pictures.of_races(found, rows, note)]
    paths = figure_save.save(asked, folder, warnings)
    sections = list(story.tell(found, rows, models, trained, note))
    write_pages(folder, QUESTION, sections, paths, pictures.shots(found, rows, trained, warnings))
    if found:
        yield from describe(found, rows)
    if trained:
        yield from learning.describe(trained)
    yield from (f"warning: {warning}" for warning in warnings)
    yield f"in {shown(folder)}: {HTML}, {MARKDOWN}, {', '.join(files)}, {len(paths)} pictures"


def side_by_side(folders: Sequence[Path], out: Path | None) -> Iterator[str | Table]:
    """Compare several folders; the page of it, with its picture, goes to the folder `out` if one is given.

    Raises InputError where `out` is one of them, or has records of its own: its pages are theirs.
    """
    if out:
        check_out(folders, out)
    comparison = compare.compare(folders)
    for place, told in comparison.told.items():
        yield f"{place}: {told}"
    for table in (compare.medians(comparison), compare.cells(comparison)):
        yield ""
        yield table
    if out is None:
        return
    warnings: list[str] = []
    draw = partial(figure_side_by_side.draw, comparison)
    with outputs.made(out):
        paths = figure_save.save([(compare.STEM, draw)], out, warnings)
        shot = pictures.shot(compare.STEM, COMPARED, "", draw, warnings, wide=True)
        shots = {compare.STEM: [shot] if shot else []}
        write_pages(out, "Side by side", list(compare.sections(comparison)), paths, shots)
    yield ""
    yield from (f"warning: {warning}" for warning in warnings)
    yield f"in {shown(out)}: {HTML}, {MARKDOWN}, {len(paths)} pictures"


def check_out(folders: Sequence[Path], out: Path) -> None:
    """Raises InputError where the page of a comparison would overwrite that of a run."""
    if any(compare.is_same(folder, out) for folder in folders):
        raise InputError(f"--out {out} is one of the folders that are compared, and would lose its pages: name another")
    if any((out / name).exists() for name in (records.FILE, to_accuracy.FILE)):
        raise InputError(f"--out {out} has records of its own, and would lose its own pages: name another folder")


def write_pages(
    folder: Path,
    title: str,
    sections: Sequence[Section],
    paths: Sequence[Path],
    shots: Mapping[str, Sequence[html.Shot]],
) -> None:
    """The sections as report.md and report.html."""
    for name, text in (
        (MARKDOWN, markdown.page(title, sections, paths)),
        (HTML, html.page(title, sections, shots)),
    ):
        outputs.write(folder / name, text.encode(errors="backslashreplace"))


def describe(found: Sequence[Record], rows: pd.DataFrame) -> Iterator[str | Table]:
    """The machine, the tables of speedups, epochs in seconds, and who was left out and why; rows are their frame."""
    told = machines(record.environment for record in found)
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
        if record.hidden:
            yield f"{record.cell.id}: {words.hidden(record.hidden, record.cell.dtype)}"


def machine(environments: Iterable[Environment]) -> str:
    """Where the records were made, in a line; several machines have a letter each."""
    return " | ".join(machines(environments))


def machines(environments: Iterable[Environment]) -> list[str]:
    """Each of the machines, with its letter where there are several."""
    placed = letters(about.machine for about in environments)
    return [f"{place}: {told}" if place else told for told, place in placed.items()]


def footnote(found: Sequence[Record], rows: pd.DataFrame) -> str:
    """The foot of every plot: machine, date, noise floor."""
    noise = summary.noise(rows)
    resolved = f"noise floor {noise.median:.1%} in the median cell, {noise.worst:.1%} in the worst" if noise else ""
    told = machines(record.environment for record in found)
    where = " | ".join(told) if len(told) <= IN_A_LINE else f"{len(told)} machines, A to {letter(len(told) - 1)}"
    return f"{where}\n{max(record.started for record in found)[:10]}; {resolved}"


def speedups(rows: pd.DataFrame) -> Iterator[str | Table]:
    """A table for each setting, with a line for each cell and engine that was timed."""
    timed = rows[rows["seconds_per_step"].notna()]
    floor = timed["efficiency"].notna().any()
    placed = letters(rows["machine"])
    for key, part in timed.groupby([*Setting._fields], sort=False):
        setting = Setting(*key)
        common = str(setting)  # said once, in the heading
        if placed[setting.machine]:
            yield f"machine {placed[setting.machine]}"
        headings = [
            f"cell ({common})",
            "engine",
            "a step",
            "speedup",
            "interval",
            *(["floor"] if floor else []),
            "noise",
        ]
        lines = []
        last = None
        for row in part.itertuples():
            compared = row.engine != row.baseline and not pd.isna(row.speedup)
            lines.append(
                [
                    row.cell.replace(f"-{common}", "") if row.cell != last else "",
                    row.engine,
                    words.seconds(row.seconds_per_step),
                    words.factor(row.speedup) if compared else "",
                    words.interval(row.speedup_low, row.speedup_high) if compared else "",
                    *([f"{row.efficiency:.0%}" if not pd.isna(row.efficiency) else ""] if floor else []),
                    f"{row.noise_floor:.1%}" if compared and not pd.isna(row.noise_floor) else "",
                ]
            )
            last = row.cell
        yield Table(headings, lines, left=(0, 1), folds=(1,))


def epochs(rows: pd.DataFrame) -> Iterator[str]:
    """The project's headline for each cell over a data set: seconds an epoch, side by side."""
    timed = rows[(rows["data"] != "random") & rows["seconds_per_step"].notna()]
    placed = letters(rows["machine"])
    for (where, cell), part in timed.groupby(["machine", "cell"], sort=False):
        times = ", ".join(
            f"{row.engine} {words.seconds(row.seconds_per_step * row.steps_per_slice)}"
            + (f" ({words.factor(row.speedup)})" if row.engine != row.baseline and not pd.isna(row.speedup) else "")
            for row in part.itertuples()
        )
        place = f" on machine {placed[where]}" if placed[where] else ""
        yield f"one epoch, {cell}{place}: {times}"
