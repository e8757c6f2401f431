"""`backprop-bench gate`: tell whether a change slowed an engine down."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from backprop import InputError
from backprop.packages import needed_by

from ..cells import address
from ..records import outputs, store
from ..report.figures import style
from ..terminal.console import complain, show, warn_of
from ..terminal.progress import Countdown
from .options import Allocator, path_option

SKIP = 125  # to git bisect run: this commit can't be told


def gate(
    against: Annotated[
        str | None,
        typer.Option(help="The git revision to compare the work tree with.", show_default="origin/main"),
    ] = None,
    engines: Annotated[
        str | None,
        typer.Option(
            "--engines",
            "--engine",
            help="Engines of this repository: a,b,... Of backprop-bench's own, all.",
        ),
    ] = None,
    grid_name: Annotated[
        str | None, typer.Option("--grid", help="A named grid or a .toml file.", show_default="gate")
    ] = None,
    tolerance: Annotated[
        str | None, typer.Option(help="The slowdown that the whole interval must clear.", show_default="2%")
    ] = None,
    budget: Annotated[float | None, typer.Option(help="Seconds to spend at the most.", show_default="180")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Race engines of unchanged code, too.")] = False,
    inconclusive: Annotated[
        Literal["fail", "pass", "skip"], typer.Option(help="Exit with 3, 0 or 125 if it can't tell.")
    ] = "fail",
    markdown: Annotated[Path | None, path_option("Write the table for a pull request to this file.")] = None,
    json: Annotated[Path | None, path_option("Write all that was found, with every slice, to this file.")] = None,
    plot: Annotated[Path | None, path_option("Draw the intervals to this .png or .svg file.")] = None,
    allocator: Allocator = "pinned",
) -> int:
    """Tell whether a change slowed an engine of the current folder's repository down.

    What is not given is taken from the table tool.backprop-bench of pyproject.toml. Exit status: 1 it did, or made one
    wrong; 3 can't tell, which is 125 with --inconclusive skip, for git bisect run.
    """
    from ..gate import field, github
    from ..gate import show as shown
    from ..gate.run import gate as run_gate
    from ..gate.settings import Settings, terms

    home = field.repository_here()
    named = None if engines is None else address.addresses(engines)
    chosen = terms(home, Settings(named, grid_name, against, tolerance, budget))
    contents: dict[str, Callable[[], bytes]] = {}
    if plot:
        with needed_by("--plot"):
            style.load_matplotlib()
            from ..gate import figure
        form = figure.form(plot)
        contents["--plot"] = lambda: figure.draw(record, form)
    asked = {"--json": json, "--markdown": markdown, "--plot": plot}
    read = [str(chosen.grid), *(name for name in chosen.engines or () if name.endswith(".py"))]
    with outputs.claimed(asked, read=read) as files, _skipping(inconclusive == "skip"):
        with Countdown(chosen.budget) as countdown:
            record = run_gate(
                chosen.against,
                chosen.cells,
                home=home,
                engines=chosen.engines,
                tolerance=chosen.tolerance,
                budget=chosen.budget,
                everything=everything,
                pin=allocator == "pinned",
                rng=np.random.default_rng(),
                progress=countdown,
            )
        contents |= {"--json": partial(store.dump, record), "--markdown": lambda: shown.markdown(record).encode()}
        try:
            outputs.write_each(files, contents)
        finally:
            with github.no_commands(os.environ):
                show(shown.describe(record))
            warn_of([record.environment])
            for line in github.tell(record, os.environ):
                print(line)
    if record.red:
        return 1
    return {"fail": 3, "pass": 0, "skip": SKIP}[inconclusive] if record.open else 0


@contextmanager
def _skipping(asked: bool) -> Iterator[None]:
    """Where it is asked for, what can't be raced is a commit to skip, and not a bad one."""
    try:
        yield
    except InputError as error:
        if not asked:
            raise
        complain(str(error), SKIP)
