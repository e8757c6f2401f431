"""Figures of the cost model: what a step goes to, from which batch on, and how far the model is off."""

from __future__ import annotations

from statistics import median
from textwrap import fill

from bench.analysis.question import BASELINE, CHALLENGER
from bench.report import answer, markdown
from bench.report.document import Table

from ..trials import holdout
from . import published
from .registry import figure

WIDTH = 120  # columns of a paragraph
MACHINES = {"default": "AMD EPYC", "xeon": "Intel Xeon, 2 MB of second-level cache a core"}


@figure
def why(folder: str) -> str:
    """The report's own paragraph: from which batch size on, and what a step goes to in either engine."""
    pair = answer.headline(published.records(folder))
    assert pair is not None
    own = [published.model(folder, engine) for engine in (BASELINE, CHALLENGER)]
    return fill(markdown.escape(answer.from_where_and_why(pair, *own)), WIDTH, break_on_hyphens=False)


@figure
def model_errors(*folders: str) -> str:
    """The median and the worst error on cells that a fit had not seen, a line for each folder's machine."""
    engines = list(dict.fromkeys(engine for folder in folders for engine in published.models(folder)))
    lines = [
        [MACHINES.get(folder, folder), *(_errors(folder, engine) for engine in engines if published.models(folder))]
        for folder in folders
    ]
    return markdown.table(Table(["default grid, error: median, worst", *engines], lines))


def _errors(folder: str, engine: str) -> str:
    model = published.model(folder, engine)
    return f"{model.median_error:.1%}, {abs(model.worst.error):.0%}"


@figure
def held_out(folder: str, cells: str) -> str:
    """The median and the worst error of one folder's models over the cells of another's."""
    off = {
        model.engine: [abs(error) for error in holdout.errors(model, published.records(cells)).values()]
        for model in published.models(folder).values()
    }
    timed = {engine: errors for engine, errors in off.items() if errors}
    line = [f"{len(published.records(cells))} cells", *(f"{median(of):.1%}, {max(of):.0%}" for of in timed.values())]
    return markdown.table(Table(["other cells, error: median, worst", *timed], [line]))


@figure
def cells(folder: str) -> str:
    """How many cells were raced."""
    return str(len(published.records(folder)))
