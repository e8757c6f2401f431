"""`backprop-bench race`: time several engines side by side in one cell."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from backprop import InputError
from backprop.functions import HEAD, HIDDEN

from ..cells import address, entry
from ..cells.cell import make_cell
from ..records import outputs, store
from ..terminal.console import show, warn_of
from ..terminal.progress import bar
from .exit_status import status_of
from .options import Allocator, Baseline, Batch, DType, HeadName, Hidden, Sizes, Threads, path_option


def race(
    engines: Annotated[
        list[str] | None, typer.Argument(help="Engines to race: names, mine.py, package.module:Class; each also @REV.")
    ] = None,
    listed: Annotated[str | None, typer.Option("--engines", "--engine", help="The same as a list: a,b,...")] = None,
    sizes: Sizes = "784-30-10",
    batch: Batch = 10,
    dtype: DType = "float64",
    hidden: Hidden = HIDDEN,
    head: HeadName = HEAD,
    threads: Threads = 1,
    baseline: Baseline = None,
    seconds: Annotated[float, typer.Option(help="Time to race for.")] = 5.0,
    floor: Annotated[bool, typer.Option(help="Race the products of a step alone, too.")] = True,
    json: Annotated[Path | None, path_option("Write the record, with every slice, to this file.")] = None,
    allocator: Allocator = "pinned",
) -> int:
    """Time several engines side by side in one cell."""
    from ..report import races
    from ..timing.admission import UNFIT
    from ..timing.one_pass import RaceJob, among
    from ..timing.race import race as run_race

    cell = make_cell(sizes, batch, dtype, threads, hidden=hidden, head=head)
    named = address.addresses(*(engines or ()), *([] if listed is None else [listed]))
    if not named:
        raise InputError("Missing argument: name the engines to race, such as per_sample full_matrix")
    entries = entry.resolve(named)
    job = RaceJob(cell, entries, seconds, floor, allocator == "pinned", among(baseline, entries))
    read = [name for name, _ in map(address.parts_of, named) if name.endswith(".py")]
    with outputs.claimed({"--json": json}, read=read) as files:
        with bar() as progress:
            task = progress.add_task(cell.id, total=1.0)
            record = run_race(job, progress=lambda share: progress.update(task, completed=share, refresh=True))
        reasons = {result.name: result.left_out or "" for result in record.contestants}
        if all(reason.startswith(UNFIT) for reason in reasons.values()):
            told = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
            raise InputError(f"nobody can be raced at {cell.id}: {told}")
        try:
            outputs.write_each(files, {"--json": partial(store.dump, record)})
        finally:
            show(races.describe([record]))
    warn_of([record.environment])
    return status_of([record])
