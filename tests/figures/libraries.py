"""Figures of the question inside each library: the table of a set of cells that differ in their batch alone."""

from __future__ import annotations

from bench.analysis.libraries import series
from bench.report import libraries, markdown, numbers

from . import published
from .registry import figure


@figure
def libraries_table(folder: str, cell: str) -> str:
    """All libraries and batch sizes at the sizes of this cell."""
    record = published.race(folder, cell)
    one = next(one for one in series(published.records(folder)) if record in one.records)
    return markdown.table(libraries.table(one, numbers.estimate))
