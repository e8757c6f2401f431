"""Options that several commands have, and how a path is read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from backprop.functions import EVERYWHERE, HEADS


def one_text(about: str, *names: str) -> Any:
    """An option that takes one value, and not a list."""
    return typer.Option(*names, help=about, parser=_no_list, metavar="TEXT")


def one_number(about: str) -> Any:
    """An option that takes one whole number, and not a list."""

    def parse(text: str | int) -> int:
        try:
            return int(_no_list(str(text)))
        except ValueError:
            raise typer.BadParameter(f"it takes a whole number, not {text!r}") from None

    return typer.Option(help=about, parser=parse, metavar="INTEGER")


def _no_list(text: str) -> str:
    if "," in text:
        raise typer.BadParameter(f"it takes one, not the list {text!r}: lists go into a grid file, for sweep --grid")
    return text


Sizes = Annotated[str, one_text("Units in each layer, inputs first.")]
Batch = Annotated[int, one_number("Samples in a mini-batch.")]
DType = Annotated[str, one_text("float32 or float64.")]
about_hidden = one_text(f"The activation of hidden layers: {', '.join(EVERYWHERE)}.")
about_head = one_text(f"The top activation and the cost: {', '.join(HEADS)}.", "--head")
Hidden = Annotated[str, about_hidden]
HeadName = Annotated[str, about_head]
Threads = Annotated[int, one_number("BLAS threads.")]


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
