"""A run of the gate under GitHub Actions: the job's summary, and annotations by workflow commands."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .findings import GateRecord
from .show import engine_line, engines_with, markdown, of_engine, percent, short


def workflow_commands(record: GateRecord) -> Iterator[str]:
    """GitHub's workflow commands: errors for what regressed or is wrong, notices for the rest that is news."""
    for standing in record.standings:
        if standing.state not in ("unchanged", "unavailable", "left out"):
            kind = "error" if standing.state == "wrong" else "notice"
            yield _command(kind, f"{standing.engine} is {standing.state}", short(standing.why))
    for verdict in ("regressed", "improved", "inconclusive"):
        kind = "error" if verdict == "regressed" else "notice"
        for engine in engines_with(record, verdict):
            cells = of_engine(record, engine, verdict)
            told = ", ".join(f"{found.cell.id} {percent(found.slowdown.value)}" for found in cells if found.slowdown)
            yield _command(kind, engine_line(record, engine, verdict), told or cells[0].why or "")


def tell(record: GateRecord, environment: Mapping[str, str]) -> Iterator[str]:
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


def _command(kind: str, title: str, message: str) -> str:
    """A workflow command, escaped as GitHub's documentation of workflow commands has it."""
    message, title = (text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A") for text in (message, title))
    return f"::{kind} title={title.replace(',', '%2C').replace(':', '%3A')}::{message}"
