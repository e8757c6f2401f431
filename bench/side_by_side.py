"""The comparison of several results folders: its tables for the terminal, its picture and both pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from backprop import InputError

from . import compare, figure_save, figure_side_by_side, outputs, pictures, store, training_record
from .document import Table
from .filenames import shown
from .report import HTML, MARKDOWN, write_pages

COMPARED = "A dot for each cell and engine: on the diagonal where the folders agree"


def side_by_side(folders: Sequence[Path], out: Path | None) -> Iterator[str | Table]:
    """Compare several folders; the page of it, with its picture, goes to the folder `out` if one is given.

    Raises InputError where `out` is one of them, or has records of its own: its pages are theirs.
    """
    if out:
        check_out(folders, out)
    comparison = compare.compare(folders)
    for place, told in comparison.told.items():
        yield f"{place}: {told}"
    for table in (compare.medians(comparison), compare.cells(comparison)):
        yield ""
        yield table
    if out is None:
        return
    warnings: list[str] = []
    draw = partial(figure_side_by_side.draw, comparison)
    with outputs.made(out):
        paths = figure_save.save([(compare.STEM, draw)], out, warnings)
        shot = pictures.shot(compare.STEM, COMPARED, "", draw, warnings, wide=True)
        shots = {compare.STEM: [shot] if shot else []}
        write_pages(out, "Side by side", list(compare.sections(comparison)), paths, shots)
    yield ""
    yield from (f"warning: {warning}" for warning in warnings)
    yield f"in {shown(out)}: {HTML}, {MARKDOWN}, {len(paths)} pictures"


def check_out(folders: Sequence[Path], out: Path) -> None:
    """Raises InputError where the page of a comparison would overwrite that of a run."""
    if any(compare.is_same(folder, out) for folder in folders):
        raise InputError(f"--out {out} is one of the folders that are compared, and would lose its pages: name another")
    if any(store.files(out / name) for name in (store.FILE, training_record.FILE)):
        raise InputError(f"--out {out} has records of its own, and would lose its own pages: name another folder")
