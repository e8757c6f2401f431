"""`backprop-bench predict`: predict a step by the cost model of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backprop.functions import HEAD, HIDDEN
from backprop.packages import needed_by

from ..cells.cell import make_cell
from ..terminal.console import show
from .options import Baseline, Batch, DType, HeadName, Hidden, Sizes, Threads


def predict(
    folder: Annotated[Path, typer.Argument(help="A results folder with the cells.jsonl of a grid.")],
    sizes: Sizes = "784-30-10",
    batch: Batch = 10,
    dtype: DType = "float64",
    hidden: Hidden = HIDDEN,
    head: HeadName = HEAD,
    threads: Threads = 1,
    baseline: Baseline = None,
) -> None:
    """Predict a step and the speedup for any sizes and batch, by the cost model of a folder; nothing is raced."""
    with needed_by("predict"):
        from ..report.predict import predict as ask_model

    show(ask_model(folder, make_cell(sizes, batch, dtype, threads, hidden=hidden, head=head, here=False), baseline))
