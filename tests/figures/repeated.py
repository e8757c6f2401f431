"""Figures of identical code raced against itself, where the truth is 1."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from bench.report import markdown
from bench.report.document import Table

from .published import PUBLISHED
from .races import percent
from .registry import figure

HOW = {
    "medians": ("one after the other, 0.75 s each, ratio of medians", 1, 0),
    "minima": ("one after the other, 0.75 s each, ratio of minima", 1, 0),
    "race": ("raced, 1.5 s for both (this project)", 2, 1),
}
"""Each way of timing as it is told, and digits of its spread and of its worst error."""


@cache
def pairs() -> pd.DataFrame:
    return pd.read_csv(PUBLISHED / "identical" / "one-after-the-other.csv")


@figure
def identical_covered() -> str:
    """How many intervals of the races held the true factor."""
    return f"{pairs()['covered'].sum()} of the {len(pairs())} races"


@figure
def identical_table() -> str:
    """How far off each way of timing was."""
    lines = []
    for method, (told, spread_digits, worst_digits) in HOW.items():
        off = np.abs(np.log(pairs()[method]))
        lines.append([told, percent(np.sqrt((off**2).mean()), spread_digits), percent(off.max(), worst_digits)])
    headings = [f"how two copies of one engine were timed, {len(pairs())} pairs", "error of the ratio, sd", "worst"]
    return markdown.table(Table(headings, lines, left=(0, 1, 2)))
