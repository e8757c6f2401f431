"""`backprop-bench claims`: race what others have claimed, and say of each whether it holds here."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from backprop.packages import needed_by

from ..records import store
from ..report.figures import style
from ..terminal.console import show, warn
from ..terminal.progress import SweepBar
from .exit_status import status_of
from .options import path_option

OUT = Path("results/claims")


def claims(
    only: Annotated[list[str] | None, typer.Option("--only", help="Claims to race: a,b,...; by default all.")] = None,
    out: Annotated[Path, path_option("The folder for the records and the pages.")] = OUT,
    seconds: Annotated[
        float, typer.Option(help="Time to race for in a cell; where an engine starts slowly, twice that.")
    ] = 5.0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the claims in the folder; races that failed, too.")
    ] = False,
) -> int:
    """Race published claims, each in its own cells: claimed, here with its interval, and one word."""
    with needed_by("the report"):
        style.load_matplotlib()
        from ..claims import page
    from ..claims.claim import named
    from ..claims.plan import plan
    from ..claims.run import race_claims
    from ..claims.verdict import outcome

    asked = named(only or [])
    bar = SweepBar(out, partial(outcome, asked))
    race_claims(asked, plan(asked), out, bar, warn, seconds=seconds, resume=resume)
    show(page.build(out))
    return status_of(store.failed(store.load(out)[0]))
