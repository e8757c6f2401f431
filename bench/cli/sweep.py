"""`backprop-bench sweep`: race a whole grid into a folder, here or on a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backprop.packages import needed_by

from ..cells import address, entry, grids
from ..records import store
from ..report.figures import style
from ..terminal.console import show, warn
from ..terminal.progress import SweepBar
from .exit_status import status_of
from .options import Allocator, Baseline, about_head, about_hidden, path_option


def sweep(
    grid_name: Annotated[
        str,
        typer.Option("--grid", help="A named grid (smoke, default, full, shapes, heads, libraries, model) or a .toml."),
    ],
    engines: Annotated[str, typer.Option("--engines", "--engine", help="Engines to race in each cell: a,b,...")],
    out: Annotated[Path, path_option("The folder for the records and the report.")],
    hidden: Annotated[str | None, about_hidden] = None,
    head: Annotated[str | None, about_head] = None,
    baseline: Baseline = None,
    seconds: Annotated[float, typer.Option(help="Time to race for in each cell.")] = 3.5,
    floor: Annotated[bool, typer.Option(help="Race the products of a step alone, too.")] = True,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the sweep in the folder.")] = False,
    retry: Annotated[
        bool, typer.Option("--retry-failed", help="With --resume: race again the cells in which an engine failed.")
    ] = False,
    max_hours: Annotated[
        float, typer.Option(help="Refuse to begin what is expected to take longer.")
    ] = grids.MAX_HOURS,
    dask: Annotated[
        str | None, typer.Option(help="Race on the workers of this Dask scheduler: tcp://HOST:8786")
    ] = None,
    allocator: Allocator = "pinned",
) -> int:
    """Race a whole grid, each cell in a process of its own; what is done stays, and --resume goes on with the rest."""
    with needed_by("the report"):
        style.load_matplotlib()
        from ..report import build
    from ..sweep.whole import sweep as run_sweep

    cells = grids.cells_of(grid_name, here=dask is None, hidden=hidden, head=head)
    run_sweep(
        cells,
        entry.resolve(address.addresses(engines)),
        out,
        SweepBar(out),
        warn,
        seconds=seconds,
        floor=floor,
        allocator=allocator,
        baseline=baseline,
        resume=resume,
        retry=retry,
        max_hours=max_hours,
        dask=dask,
    )
    show(build.build(out))
    return status_of(store.failed(store.load(out)[0]))
