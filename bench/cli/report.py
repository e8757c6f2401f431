"""`backprop-bench report`: rebuild the pages of a results folder, or set several side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backprop import InputError
from backprop.packages import needed_by

from ..report.figures import style
from ..terminal.console import show
from .options import Baseline, path_option


def report(
    folders: Annotated[list[Path], typer.Argument(help="A results folder with records; several are compared.")],
    out: Annotated[Path | None, path_option("Write the comparison of several to this folder.")] = None,
    baseline: Baseline = None,
) -> None:
    """Rebuild a results folder's tables, plots and pages from its records; set several folders side by side."""
    with needed_by("the report"):
        style.load_matplotlib()
        from ..claims import page
        from ..claims.run import asked_in
        from ..report import build
        from ..report.side_by_side import side_by_side

    if len(folders) > 1:
        show(side_by_side(folders, out, baseline))
    elif out:
        raise InputError("--out is for comparing several folders; a single one is rebuilt where it lies")
    elif asked_in(folders[0]):
        if baseline:
            raise InputError("--baseline is not for claims: each names the two that it compares")
        show(page.build(folders[0]))
    else:
        show(build.build(folders[0], baseline))
