"""What people see of a results folder: the CSV, the plots, the page, and the summary in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from backprop import InputError

from . import (
    blocks,
    compare,
    cost,
    curves,
    ladder,
    learning,
    memory,
    outputs,
    page,
    panels,
    plots,
    records,
    story,
    summary,
    to_accuracy,
    waterfall,
    words,
)  # fmt: skip
from .facets import letters
from .records import Environment, Record
from .to_accuracy import Training

CSV = "speedup.csv"
MARKDOWN = "report.md"
HTML = "report.html"
QUESTION = "How much faster is backprop over a whole mini-batch?"
COMPARED = "A dot for each cell and engine: on the diagonal where the folders agree"
CAPTIONS = {
    "waterfall": "Down the ladder: each bar is one change, and its length is its factor",
    "memory-by-batch": "Peak memory against batch size",
}


def build(folder: Path) -> Iterator[str | Table]:
    """Rebuild everything in the folder that follows from its records, and yield the summary to print."""
    trained, warnings = to_accuracy.load(folder)
    found: list[Record] = []
    raced = folder / records.FILE
    if not trained or (raced.exists() and raced.stat().st_size):
        found, torn = records.load(folder)
        warnings += torn
    warnings += records.doubts([*(one.environment for one in found), *(one.environment for one in trained)])
    rows, models = summary.frame(found), cost.models(found)
    files = [file.name for file in (folder / records.FILE, folder / to_accuracy.FILE) if file.exists()]
    note = footnote(found, rows) if found else ""
    pictures = curves.save(trained, folder)
    if found:
        outputs.write(folder / CSV, summary.csv(rows))
        files.insert(0, CSV)
        pictures += draw(found, rows, folder, note)
    sections = list(story.tell(found, rows, models, trained, note))
    write_pages(folder, QUESTION, sections, pictures, shots(found, rows, trained))
    if found:
        yield from describe(found)
    if trained:
        yield from learning.describe(trained)
    yield from (f"warning: {escape(warning)}" for warning in warnings)
    yield f"in {escape(str(folder))}: {HTML}, {MARKDOWN}, {', '.join(files)}, {len(pictures)} pictures"


def side_by_side(folders: Sequence[Path], out: Path | None) -> Iterator[str | Table]:
    """Compare several folders; the page of it, with its picture, goes to the folder `out` if one is given."""
    comparison = compare.compare(folders)
    for letter, told in comparison.told.items():
        yield escape(f"{letter}: {told}")
    for block in (compare.medians(comparison), compare.cells(comparison)):
        yield ""
        yield printed(block)
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"folder {out} can't be made: {error.strerror}; name another") from error
    figure, sections = compare.draw(comparison), list(compare.sections(comparison))
    pictures = plots.save_both(figure, out / compare.STEM)
    shot = page.Shot(COMPARED, "", Markup(plots.inline(figure, compare.STEM)), wide=True)
    write_pages(out, "Side by side", sections, pictures, {compare.STEM: [shot]})
    yield ""
    yield f"in {escape(str(out))}: {HTML}, {MARKDOWN}, {len(pictures)} pictures"


def printed(block: blocks.Table) -> Table:
    """A table of a page for the terminal."""
    table = Table(box=SIMPLE, show_edge=False, pad_edge=False, padding=0)
    for number, heading in enumerate(block.headings):
        table.add_column(escape(heading), justify="left" if number < block.left else "right", overflow="fold")
    for line in block.lines:
        table.add_row(*map(escape, line))
    return table


def write_pages(
    folder: Path,
    title: str,
    sections: Sequence[blocks.Section],
    pictures: Sequence[Path],
    shown: Mapping[str, Sequence[page.Shot]],
) -> None:
    """The sections as report.md and report.html."""
    for name, text in (
        (MARKDOWN, page.markdown(title, sections, pictures)),
        (HTML, page.html(title, sections, shown)),
    ):
        outputs.write(folder / name, text.encode())


def draw(found: Sequence[Record], rows: pd.DataFrame, folder: Path, note: str) -> list[Path]:
    """Every picture that these records are enough for."""
    paths = []
    for stem, figure in whole(found, rows, note):
        paths += plots.save_both(figure, folder / stem)
    return paths + plots.draw(rows, folder, note)


def whole(found: Sequence[Record], rows: pd.DataFrame, note: str = "") -> Iterator[tuple[str, Figure]]:
    """The pictures that are one figure, by their stems."""
    if top := ladder.headline(found):
        place = letters(rows["machine"])[top.record.environment.machine]
        yield "waterfall", waterfall.draw(top, f"{note}\nThis cell: machine {place}." if place else note)
    if figure := memory.draw(rows, note):
        yield "memory-by-batch", figure


def shots(found: Sequence[Record], rows: pd.DataFrame, trained: Sequence[Training]) -> dict[str, list[page.Shot]]:
    """The pictures of the HTML page by their stems: of the headline's dtype and threads where there are several."""
    shown: dict[str, list[page.Shot]] = {}
    for stem, figure in whole(found, rows):
        shown[stem] = [page.Shot(CAPTIONS[stem], "", Markup(plots.inline(figure, stem)), wide=True)]
    shown[curves.STEM] = [
        page.Shot(panel.finding, panel.setting, Markup(plots.inline(panel.figure, f"{curves.STEM}-{i}")))
        for i, panel in enumerate(curves.panels(trained))
    ]
    for kind, facets in panels.by_kind(story.pictured(found, rows)):
        shown[kind.stem] = [
            page.Shot(facet.finding, facet.setting, Markup(plots.inline(plots.panel(facet, kind), f"{kind.stem}-{i}")))
            for i, facet in enumerate(facets)
        ]
    return shown


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
    for part in speedups(rows):
        yield part
        if isinstance(part, Table):
            yield ""
    yield from epochs(rows)
    for row in rows[rows["left_out"].notna()].itertuples():
        yield f"{row.cell}: {escape(str(row.engine))} was left out: {escape(str(row.left_out))}"


def machine(environments: Iterable[Environment]) -> str:
    """Where the records were made, in a line; several machines have a letter each."""
    placed = letters(about.machine for about in environments)
    return " | ".join(f"{letter}: {told}" if letter else told for told, letter in placed.items())


def footnote(found: Sequence[Record], rows: pd.DataFrame) -> str:
    """The foot of every plot: machine, date, noise floor."""
    noise = rows["noise_floor"].dropna()
    resolved = (
        f"noise floor {noise.median():.1%} in the median cell, {noise.max():.1%} in the worst" if len(noise) else ""
    )
    return f"{machine(record.environment for record in found)}\n{found[-1].started[:10]}; {resolved}"


def speedups(rows: pd.DataFrame) -> Iterator[str | Table]:
    """A table for each machine, dtype and number of threads, with a line for each cell and engine that was timed."""
    timed = rows[rows["seconds_per_step"].notna()]
    floor = timed["efficiency"].notna().any()
    placed = letters(rows["machine"])
    for (where, dtype, threads), part in timed.groupby(["machine", "dtype", "threads"], sort=False):
        common = f"{dtype}-t{threads}"  # said once, in the heading
        if placed[where]:
            yield f"machine {placed[where]}"
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
    placed = letters(rows["machine"])
    for (where, cell), part in timed.groupby(["machine", "cell"], sort=False):
        times = ", ".join(
            f"{row.engine} {words.seconds(row.seconds_per_step * row.steps_per_slice)}"
            + (f" ({words.factor(row.speedup)})" if row.engine != row.baseline and not pd.isna(row.speedup) else "")
            for row in part.itertuples()
        )
        place = f" on machine {placed[where]}" if placed[where] else ""
        yield escape(f"one epoch, {cell}{place}: {times}")
