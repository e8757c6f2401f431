"""Options that several commands have, and how a path is read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from backprop.functions import EVERYWHERE, HEADS

Sizes = Annotated[str, typer.Option(help="Units in each layer, inputs first.")]
Batch = Annotated[int, typer.Option(help="Samples in a mini-batch.")]
DType = Annotated[str, typer.Option(help="float32 or float64.")]
about_hidden = typer.Option(help=f"The activation of hidden layers: {', '.join(EVERYWHERE)}.")
about_head = typer.Option("--head", help=f"The top activation and the cost: {', '.join(HEADS)}.")
Hidden = Annotated[str, about_hidden]
HeadName = Annotated[str, about_head]
Threads = Annotated[int, typer.Option(help="BLAS threads.")]


about_baseline = typer.Option(
    help="The engine that speedups are relative to: per_sample, or without it the first.", show_default=False
)
Baseline = Annotated[str | None, about_baseline]


def path_option(about: str) -> Any:
    """An option for a file or a folder; Path alone would take an empty name for the current folder."""

    def parse(name: str) -> Path:
        if not name:
            raise typer.BadParameter("the name is empty: give one, or leave the option out")
        return Path(name)

    return typer.Option(help=about, parser=parse, metavar="PATH")


Allocator = Annotated[
    Literal["pinned", "default"], typer.Option(help="Pin glibc's thresholds for steady timings, or leave them alone.")
]
