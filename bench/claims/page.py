"""What is shown of a folder of claims: the table, the picture, and each claim with all that is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from ..analysis import intervals
from ..records import environment, store
from ..records.record import Record
from ..report import machines, numbers, pictures
from ..report.build import HTML, MARKDOWN, write_pages
from ..report.document import Block, Code, Listing, Picture, Section, Table, Text
from ..report.figures import save
from ..report.filenames import shown
from . import figure
from .claim import published
from .run import Asked
from .table import asked_of, said, table, verdicts_of
from .verdict import LEFT_OUT, TOLERANCE, Verdict, places

STEM = "claims"
TITLE = "What has been claimed of mini-batches, raced here"
CAPTION = "What was claimed, and what it is here"
RULE = (
    "A factor is the time of the one that is claimed to be slower over that of the other, for each sample, with its "
    "95 % interval: below 1 it is the other way round here. Claims are told in round numbers: one holds where this "
    f"factor lies within what was claimed, give or take a factor of {TOLERANCE:g}, and its interval is no wider than "
    "that; a claim of no difference, where the whole interval lies within that of 1. It is smaller or larger here "
    "where the whole interval lies beyond; any other can't tell. It depends where a claim holds at some batch sizes or "
    "widths and at others not. What was told without a figure, or of something else than what is raced here, is not "
    "judged."
)


def build(folder: Path) -> Iterator[str | Table]:
    """Rebuild the pages and the picture of a folder of claims from its records, and yield the summary to print."""
    asked, (found, warnings) = asked_of(folder), store.load(folder)
    judged = verdicts_of(asked, found)
    warnings += environment.doubts([record.environment for record in found])
    if gone := [name for name in asked.claims if name not in {claim.name for claim in published()}]:
        warnings.append(f"{', '.join(gone)}: raced here, and no claim of this version: left out")
    note = _note(found)
    paths = save.save([(STEM, partial(figure.draw, judged, "\n".join(note)))], folder, warnings)
    shots = {STEM: pictures.shots_of(STEM, [(CAPTION, "", partial(figure.draw, judged))], warnings, wide=True)}
    write_pages(folder, TITLE, list(_sections(asked, judged, found, note)), paths, shots)
    yield "; ".join(note)
    yield ""
    if timed := _timed(judged):
        yield table(timed)
        yield ""
    yield figure.finding(judged)
    yield from _left_out(judged)
    yield from (f"warning: {warning}" for warning in warnings)
    yield f"in {shown(folder)}: {', '.join([HTML, MARKDOWN, store.FILE, *(path.name for path in paths)])}"


def _sections(
    asked: Asked, judged: Sequence[Verdict], found: Sequence[Record], note: Sequence[str]
) -> Iterator[Section]:
    timed, finding = _timed(judged), figure.finding(judged)
    shown_of: list[Block] = [Text(RULE), table(timed), Picture(STEM, CAPTION)] if timed else []
    yield Section("The answer", [Text(f"{finding}."), *shown_of, Text("; ".join(note), small=True)])
    yield Section("What was said, and what was raced", [Listing([_in_full(one) for one in judged])])
    if missing := list(_left_out(judged)):
        yield Section("Left out", [Listing(missing)])
    yield Section("Every race", [_races(found)])
    last = {record.environment.machine: record.environment for record in found}
    yield Section("Machine and versions", [machines.described(about) for about in last.values()])
    yield Section("How to reproduce", [Code(_command(asked, found))])


def _timed(judged: Sequence[Verdict]) -> list[Verdict]:
    return [one for one in judged if one.word != LEFT_OUT]


def _in_full(one: Verdict) -> tuple[str, str]:
    """All that is known of a claim."""
    claim = one.claim
    setting = f"{claim.setting[:1].upper()}{claim.setting[1:]}"
    told = f"{claim.who}: {claim.said}; {said(claim)}, in {claim.unit}. Raced here: {claim.compared}. {setting}"
    return claim.title, f". {told}."


def _command(asked: Asked, found: Sequence[Record]) -> str:
    only = "" if set(asked.claims) == {claim.name for claim in published()} else f" --only {','.join(asked.claims)}"
    revision = found[-1].environment.revision
    checkout = f"git checkout {revision}\n" if revision else ""
    return f"{checkout}backprop-bench claims{only} --seconds {asked.seconds:g}"


def _races(found: Sequence[Record]) -> Table:
    """A line for each contestant of each race: what a step takes, and a sample."""
    lines = []
    for record in found:
        for result in (*record.contestants, *record.elsewhere):
            cell, taken = result.cell or record.cell, intervals.typical(result.seconds) if result.seconds else None
            lines.append(
                [
                    cell.id,
                    result.name.partition("#")[0],
                    numbers.seconds(taken.value) if taken else "left out",
                    numbers.seconds(taken.value / cell.batch) if taken else "",
                    f"{len(result.seconds)}" if taken else (result.left_out or ""),
                ]
            )
    return Table(["cell", "engine", "a step", "a sample", "passes"], lines, left=(0, 1))


def _left_out(judged: Sequence[Verdict]) -> Iterator[str]:
    for one in judged:
        if one.why:
            where = f" at {places(one.missing)}" if one.points else ""
            yield f"{one.claim.name} was left out{where}: {one.why}"


def _note(found: Sequence[Record]) -> list[str]:
    """The machines, and the day of the last race."""
    return [*machines.in_lines(record.environment for record in found), max(record.started for record in found)[:10]]
