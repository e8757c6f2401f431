"""A results folder rebuilt from its records: the CSV, the pictures, both pages, and a summary for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from ..analysis import cost_model, speedup_frame
from ..analysis.speedups import relative_to
from ..records import environment, outputs, store, training_record
from ..records.record import Record
from . import answer, functions_cost, html, libraries, markdown, pictures, trainings, why
from .document import Section, Table
from .figures import accuracy_curves, save
from .filenames import shown
from .machines import in_lines, letter
from .races import IN_A_LINE, describe
from .sections import tell

CSV = "speedup.csv"
MARKDOWN = "report.md"
HTML = "report.html"


def build(folder: Path, baseline: str | None = None) -> Iterator[str | Table]:
    """Rebuild everything in the folder that follows from its records, and yield the summary to print.

    baseline is the engine that speedups are relative to, None for the records' own; InputError where nobody raced it.
    """
    trained, warnings = training_record.load(folder)
    found: list[Record] = []
    raced = store.files(folder / store.FILE)
    if not trained or any(file.stat().st_size for file in raced):
        found, torn = store.load(folder)
        found = relative_to(baseline, found, folder)
        warnings += torn
    warnings += environment.doubts([*(one.environment for one in found), *(one.environment for one in trained)])
    models = cost_model.models(found)
    rows = speedup_frame.frame(found, models)
    files = [file.name for file in (*raced, *store.files(folder / training_record.FILE))]
    note = footnote(found, rows) if found else ""
    if found:
        outputs.write(folder / CSV, speedup_frame.csv(rows))
        files.insert(0, CSV)
    asked = [*accuracy_curves.draw(trained), *pictures.of_races(found, rows, note)]
    paths = save.save(asked, folder, warnings)
    sections = list(tell(found, rows, models, trained, note))
    write_pages(folder, answer.question(found), sections, paths, pictures.shots(found, rows, trained, warnings))
    if found:
        yield from describe(found)
        yield from functions_cost.describe(found)
        yield from libraries.describe(found)
        yield from _in_words(found, rows)
    if trained:
        yield from trainings.describe(trained)
    yield from (f"warning: {warning}" for warning in warnings)
    yield f"in {shown(folder)}: {HTML}, {MARKDOWN}, {', '.join(files)}, {len(paths)} pictures"


def _in_words(found: Sequence[Record], rows: pd.DataFrame) -> Iterator[str]:
    """The answer and its reason, as the pages have them; of several machines, in the pages alone."""
    if rows["machine"].nunique() == 1:
        yield from (*answer.sentences(found, rows), *why.in_brief(found, rows), "")


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


def footnote(found: Sequence[Record], rows: pd.DataFrame) -> str:
    """The foot of every plot: machine, date, noise floor."""
    noise = speedup_frame.noise(rows)
    resolved = f"; noise floor {noise.median:.1%} in the median cell, {noise.worst:.1%} in the worst" if noise else ""
    told = in_lines(record.environment for record in found)
    where = " | ".join(told) if len(told) <= IN_A_LINE else f"{len(told)} machines, A to {letter(len(told) - 1)}"
    return f"{where}\n{max(record.started for record in found)[:10]}{resolved}"
