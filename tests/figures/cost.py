"""Figures of the cost model: what a step goes to, and how far the model is off."""

from __future__ import annotations

import pandas as pd

from backprop import InputError
from bench.analysis.question import BASELINE, CHALLENGER, HEADLINE
from bench.report import markdown, numbers
from bench.report.answer import listed
from bench.report.document import Table
from bench.report.parts import of_row

from ..trials import holdout
from . import published
from .registry import figure


@figure
def parts(folder: str, engine: str, cell: str = HEADLINE) -> str:
    """What a step goes to, in seconds."""
    seconds = of_row(_row(folder, engine, cell)).seconds
    return listed([f"{numbers.seconds(taken)} of {part}" for part, taken in seconds.items()])


@figure
def parts_are(folder: str, cell: str = HEADLINE) -> str:
    """How these are known of the question's two engines: measured, or fitted by the cost model."""
    known = dict.fromkeys(_row(folder, engine, cell)["shares_are"] for engine in (BASELINE, CHALLENGER))
    return " and ".join(known)


def _row(folder: str, engine: str, cell: str) -> pd.Series:
    rows = published.rows(folder)
    (place,) = rows.index[(rows["cell"] == published.race(folder, cell).cell.id) & (rows["engine"] == engine)]
    if of_row(rows.loc[place]) is None:
        raise InputError(f"results/published/{folder} does not tell what a step of {engine} goes to at {cell}")
    return rows.loc[place]


@figure
def model_errors(*folders: str) -> str:
    """The median and the worst error on cells that a fit had not seen, a line for each folder's grid."""
    engines = list(dict.fromkeys(engine for folder in folders for engine in published.models(folder)))
    lines = [[folder, *(_errors(folder, engine) for engine in engines)] for folder in folders]
    return markdown.table(Table(["grid, error: median, worst", *engines], lines))


def _errors(folder: str, engine: str) -> str:
    if engine not in published.models(folder):
        return ""
    model = published.model(folder, engine)
    return f"{model.median_error:.1%}, {abs(model.worst.error):.0%}"


@figure
def paces(folder: str) -> str:
    """How long a folder's races took at the least and at the most, of the usual, by the machine's pace."""
    least, most = published.model(folder, BASELINE).paces
    return f"{least:.2f} to {most:.2f}"


@figure
def held_out(folder: str, cells: str) -> str:
    """The errors of one folder's models over the cells of another's, of the whole and of its parts."""
    return "\n".join(holdout.judged(list(published.models(folder).values()), published.records(cells)))


@figure
def cells(folder: str) -> str:
    """How many cells were raced."""
    return str(len(published.records(folder)))
