"""`backprop-bench sweep`: race a whole grid into a folder, here or on a cluster."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from backprop import InputError
from backprop.packages import needed_by

from ..cells import entry, grids
from ..records import store
from ..report.figures import style
from ..terminal.console import show, warn, warn_of
from ..terminal.progress import SweepBar
from ..timing import machine
from .exit_status import status_of
from .options import Allocator, Baseline, about_head, about_hidden, path_option


def sweep(
    grid_name: Annotated[
        str, typer.Option("--grid", help="A named grid (smoke, default, full, heads) or a .toml file.")
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
    from ..sweep import cluster, folder
    from ..sweep import run as sweeps
    from ..timing.one_pass import among
    from ..timing.race import check_seconds

    check_seconds(seconds)
    if retry and not resume:
        raise InputError("--retry-failed goes with --resume only: add it, or leave both out to begin a sweep")
    cells = grids.cells_of(grid_name, here=dask is None, hidden=hidden, head=head)
    entries = entry.resolve(entry.addresses(engines))
    relative_to = among(baseline, entries)
    with ExitStack() as stack:
        software = machine.software()
        crew = sweeps.Crew()
        if dask is not None:
            crew = stack.enter_context(cluster.joined(dask, software, cells, warn))
        whole = sweeps.plan(
            cells,
            entries,
            seconds=seconds,
            floor=floor,
            allocator=allocator,
            software=software,
            machine=crew.machine,
        )
        permit = partial(sweeps.check_hours, sweep=whole, hands=crew.hands, max_hours=max_hours)
        run = stack.enter_context(folder.claimed(out, whole, resume, permit, retry))
        if failed := sum(bool(record.failures) for record in run.done.values()):
            warn(f"{failed} cell{'s' * (failed > 1)} failed before: add --retry-failed to race them again")
        if dask is None:
            warn_of([machine.environment()])
        with SweepBar(out) as progress:
            sweeps.race_missing(run, whole, entries, crew, progress, relative_to)
        show(build.build(out))
        return status_of(store.failed(store.load(out)[0]))
