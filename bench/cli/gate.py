"""`backprop-bench gate`: tell whether a change slowed an engine down."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from backprop.packages import needed_by

from ..cells import entry, grids, revisions
from ..records import outputs, store
from ..report.figures import style
from ..terminal.console import show, warn_of
from ..terminal.progress import Countdown
from .options import Allocator, path_option


def gate(
    against: Annotated[str, typer.Option(help="The git revision to compare the work tree with.")],
    engines: Annotated[
        str | None, typer.Option("--engines", "--engine", help="Only these: a,b,... By default all.")
    ] = None,
    grid_name: Annotated[str, typer.Option("--grid", help="A named grid or a .toml file.")] = "gate",
    tolerance: Annotated[str, typer.Option(help="The slowdown that the whole interval must clear.")] = "2%",
    budget: Annotated[float, typer.Option(help="Seconds to spend at the most.")] = 180.0,
    everything: Annotated[bool, typer.Option("--all", help="Race engines of unchanged code, too.")] = False,
    inconclusive: Annotated[Literal["fail", "pass"], typer.Option(help="Exit with 3 or 0 if it can't tell.")] = "fail",
    markdown: Annotated[Path | None, path_option("Write the table for a pull request to this file.")] = None,
    json: Annotated[Path | None, path_option("Write all that was found, with every slice, to this file.")] = None,
    plot: Annotated[Path | None, path_option("Draw the intervals to this .png or .svg file.")] = None,
    allocator: Allocator = "pinned",
) -> int:
    """Tell whether a change slowed an engine down. Exit status: 1 it did, or made one wrong; 3 can't tell."""
    with needed_by("the gate"):
        style.load_matplotlib()
        from ..gate import figure, github
        from ..gate import show as shown
    from ..gate.run import gate as run_gate
    from ..gate.run import parse_share
    from ..timing.race import check_seconds

    check_seconds(budget)
    revisions.refuse_elsewhere()
    share, cells, form = parse_share(tolerance), grids.cells_of(grid_name), figure.form(plot)
    asked = {"--json": json, "--markdown": markdown, "--plot": plot}
    with outputs.claimed(asked, read=[grid_name]) as files:
        with Countdown(budget) as countdown:
            record = run_gate(
                against,
                cells,
                engines=None if engines is None else entry.addresses(engines),
                tolerance=share,
                budget=budget,
                everything=everything,
                pin=allocator == "pinned",
                rng=np.random.default_rng(),
                progress=countdown,
            )
        contents: dict[str, Callable[[], bytes]] = {
            "--json": partial(store.dump, record),
            "--markdown": lambda: shown.markdown(record).encode(),
            "--plot": partial(figure.draw, record, form),
        }
        try:
            outputs.write_each(files, contents)
        finally:
            with github.no_commands(os.environ):
                show(shown.describe(record))
            warn_of([record.environment])
            for line in github.tell(record, os.environ):
                print(line)
    return 1 if record.red else 3 if record.open and inconclusive == "fail" else 0
