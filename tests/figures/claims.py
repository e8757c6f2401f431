"""Figures of the published claims: what becomes of each here."""

from __future__ import annotations

from bench.claims import table
from bench.claims.figure import finding

from . import published
from .registry import figure


@figure
def claims_table(folder: str) -> str:
    """A line a claim that was raced."""
    return table.markdown(published.PUBLISHED / folder)


@figure
def claims_finding(folder: str) -> str:
    """How many claims hold, and how many do not."""
    judged = table.verdicts_of(table.asked_of(published.PUBLISHED / folder), published.records(folder))
    return f"{finding(judged)}."
