"""What people see of a run of the gate: the table, and Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from ..report import markdown as md
from ..report.document import Block, Fold, Listing, Table, Text
from .findings import Finding, GateRecord

VERDICTS = ("regressed", "inconclusive", "improved", "unchanged")  # the gravest first
LONGEST = 500  # characters of a reason


def headline(record: GateRecord) -> str:
    """The outcome in a sentence."""
    told = [f"{standing.engine} is wrong" for standing in record.standings if standing.state == "wrong"]
    told += [engine_line(record, engine, "regressed") for engine in engines_with(record, "regressed")]
    if not told and record.open:
        told = [engine_line(record, engine, "inconclusive") for engine in engines_with(record, "inconclusive")]
        told += [f"{standing.engine} inconclusive" for standing in record.standings if standing.state == "inconclusive"]
    compared = record.findings or any(standing.state == "unchanged" for standing in record.standings)
    well = "no engine slowed down" if compared else "no engine could be compared"
    return f"{'; '.join(told) or well}, against {record.against} ({record.commit[:10]})"


def describe(record: GateRecord) -> Iterator[str | Table]:
    """The machine, a line for each engine and cell, the engines that were not raced, and the outcome."""
    yield record.environment.machine
    if record.findings:
        yield ""
        yield table(record.findings)
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
        yield table(told)
    if rest:
        yield Fold(f"{len(rest)} unchanged", table(rest))
    foot = f"slowdown: time of the change over time at {record.against}; {terms(record)}; "
    yield Text(foot + record.environment.machine, small=True)


def _standings(record: GateRecord) -> list[tuple[str, str]]:
    """Each engine that was not raced, and what is to be told of it."""
    return [(each.engine, f": {each.state}: {short(each.why)}") for each in record.standings]


def _undecided(record: GateRecord) -> list[tuple[str, str]]:
    """Each engine with a cell in which the gate could not tell, and why."""
    return [(found.engine, f", {found.cell.id}: inconclusive: {found.why}") for found in record.findings if found.why]


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
    return f"{line}, by {percent(median(values))} in the median"


def table(findings: Sequence[Finding]) -> Table:
    """A line for each engine and cell, gravest verdict first."""
    lines = [
        [
            found.engine,
            found.cell.id,
            percent(found.slowdown.value) if found.slowdown else "",
            f"{percent(found.slowdown.low)[:-1]} to {percent(found.slowdown.high)}" if found.slowdown else "",
            found.verdict,
            percent(1 + found.resolution) if found.resolution is not None else "",
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


def percent(ratio: float) -> str:
    """A ratio as its distance from 1: +5.1%, -0.3%, +12%."""
    share = 100 * (ratio - 1)
    return f"{share:+.1f}%" if abs(share) < 9.95 else f"{share:+.0f}%"


def short(why: str) -> str:
    """A reason that fits a page; the record has all of it."""
    return why if len(why) <= LONGEST else f"{why[:LONGEST]} ..."
