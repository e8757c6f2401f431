"""What people see of a run of the gate: the table, Markdown for a pull request, annotations."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import msgspec

from . import markdown as md
from .document import Block, Fold, Listing, Table, Text
from .gate_record import Finding, GateRecord

VERDICTS = ("regressed", "inconclusive", "improved", "unchanged")  # the gravest first
LONGEST = 500  # characters of a reason


def dump(record: GateRecord) -> bytes:
    """The record as a line of JSON."""
    return msgspec.json.encode(record) + b"\n"


def headline(record: GateRecord) -> str:
    """The outcome in a sentence."""
    told = [f"{standing.engine} is wrong" for standing in record.standings if standing.state == "wrong"]
    told += [engine_line(record, engine, "regressed") for engine in engines_with(record, "regressed")]
    if not told and record.open:
        told = [engine_line(record, engine, "inconclusive") for engine in engines_with(record, "inconclusive")]
        told += [f"{standing.engine} inconclusive" for standing in record.standings if standing.state == "inconclusive"]
    return f"{'; '.join(told) or 'no engine slowed down'}, against {record.against} ({record.commit[:10]})"


def describe(record: GateRecord) -> Iterator[str | Table]:
    """The machine, a line for each engine and cell, the engines that were not raced, and the outcome."""
    yield record.environment.machine
    if record.findings:
        yield ""
        yield _table(record.findings)
        yield ""
    yield from map("".join, (*_undecided(record), *_standings(record)))
    yield f"gate: {headline(record)} ({terms(record)})"


def markdown(record: GateRecord) -> str:
    """The same for a pull request: whatever is not unchanged first, the rest folded away.

    What engines say comes out as text: it formats nothing, links to nothing, mentions nobody.
    """
    mark = "x" if record.red else "grey_question" if record.open else "white_check_mark"
    return md.comment(mark, headline(record), _news(record))


def _news(record: GateRecord) -> Iterator[Block]:
    yield Listing([*_standings(record), *_undecided(record)])
    told = [finding for finding in record.findings if finding.verdict != "unchanged"]
    rest = [finding for finding in record.findings if finding.verdict == "unchanged"]
    if told:
        yield _table(told)
    if rest:
        yield Fold(f"{len(rest)} unchanged", _table(rest))
    foot = f"slowdown: time of the change over time at {record.against}; {terms(record)}; "
    yield Text(foot + record.environment.machine, small=True)


def _standings(record: GateRecord) -> list[tuple[str, str]]:
    """Each engine that was not raced, and what is to be told of it."""
    return [(each.engine, f": {each.state}: {_short(each.why)}") for each in record.standings]


def _undecided(record: GateRecord) -> list[tuple[str, str]]:
    """Each engine with a cell in which the gate could not tell, and why."""
    return [(found.engine, f", {found.cell.id}: inconclusive: {found.why}") for found in record.findings if found.why]


def workflow_commands(record: GateRecord) -> Iterator[str]:
    """GitHub's workflow commands: errors for what regressed or is wrong, notices for the rest that is news."""
    for standing in record.standings:
        if standing.state not in ("unchanged", "unavailable", "left out"):
            kind = "error" if standing.state == "wrong" else "notice"
            yield _command(kind, f"{standing.engine} is {standing.state}", _short(standing.why))
    for verdict in ("regressed", "improved", "inconclusive"):
        kind = "error" if verdict == "regressed" else "notice"
        for engine in engines_with(record, verdict):
            cells = of_engine(record, engine, verdict)
            told = ", ".join(f"{found.cell.id} {_percent(found.slowdown.value)}" for found in cells if found.slowdown)
            yield _command(kind, engine_line(record, engine, verdict), told or cells[0].why or "")


def tell_github(record: GateRecord, environment: Mapping[str, str]) -> Iterator[str]:
    """Add the Markdown to the job's summary where there is one, and yield the annotations under GitHub Actions."""
    if summary := environment.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(markdown(record))
        except OSError as error:  # no reason to lose the verdict
            yield _command("warning", "the job's summary can't be written", f"{summary}: {error.strerror}")
    if environment.get("GITHUB_ACTIONS") == "true":
        yield from workflow_commands(record)


@contextmanager
def no_commands(environment: Mapping[str, str]) -> Iterator[None]:
    """Under GitHub Actions, nothing that is printed in the block is a workflow command, wherever its lines break."""
    if environment.get("GITHUB_ACTIONS") != "true":
        yield
        return
    word = secrets.token_hex(8)
    print(f"::stop-commands::{word}")
    yield
    print(f"::{word}::")


def engines_with(record: GateRecord, verdict: str | None = None) -> list[str]:
    """The engines with any finding, or with one of this verdict."""
    return sorted({found.engine for found in record.findings if verdict in (None, found.verdict)})


def of_engine(record: GateRecord, engine: str, verdict: str | None = None) -> list[Finding]:
    """What was found of the engine, or only what has this verdict."""
    return [found for found in record.findings if found.engine == engine and verdict in (None, found.verdict)]


def engine_line(record: GateRecord, engine: str, verdict: str) -> str:
    """What the engine's cells with this verdict come to."""
    cells = of_engine(record, engine, verdict)
    line = f"{engine} {verdict} in {len(cells)} of {len(of_engine(record, engine))} cells"
    values = [found.slowdown.value for found in cells if found.slowdown]
    if not values or verdict not in ("regressed", "improved"):
        return line
    return f"{line}, by {_percent(median(values))} in the median"


def _table(findings: Sequence[Finding]) -> Table:
    """A line for each engine and cell, gravest verdict first."""
    lines = [
        [
            found.engine,
            found.cell.id,
            _percent(found.slowdown.value) if found.slowdown else "",
            f"{_percent(found.slowdown.low)[:-1]} to {_percent(found.slowdown.high)}" if found.slowdown else "",
            found.verdict,
            _percent(1 + found.resolution) if found.resolution is not None else "",
        ]
        for found in sorted(findings, key=lambda found: VERDICTS.index(found.verdict))
    ]
    headings = ["engine", "cell", "slowdown", "interval", "verdict", "could see"]
    return Table(headings, lines, left=(0, 1, 4), wraps=(5,))


def terms(record: GateRecord) -> str:
    """What was asked of the gate, and how long it took."""
    return (
        f"tolerance {100 * record.tolerance:g}%, error of the whole run {100 * record.error:g}%, "
        f"{record.elapsed_seconds:.0f} s"
    )


def _percent(ratio: float) -> str:
    """A ratio as its distance from 1: +5.1%, -0.3%, +12%."""
    share = 100 * (ratio - 1)
    return f"{share:+.1f}%" if abs(share) < 9.95 else f"{share:+.0f}%"


def _short(why: str) -> str:
    """A reason that fits a page; the record has all of it."""
    return why if len(why) <= LONGEST else f"{why[:LONGEST]} ..."


def _command(kind: str, title: str, message: str) -> str:
    """A workflow command, escaped as GitHub's documentation of workflow commands has it."""
    message, title = (text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A") for text in (message, title))
    return f"::{kind} title={title.replace(',', '%2C').replace(':', '%3A')}::{message}"
