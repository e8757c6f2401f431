"""The comparison of several results folders: its tables for the terminal, its picture and both pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from backprop import InputError

from ..records import outputs, store, training_record
from . import pictures
from .build import HTML, MARKDOWN, write_pages
from .comparison import STEM, cells, compare, is_same, medians, sections
from .document import Table
from .figures import save
from .figures.side_by_side import draw as draw_comparison
from .filenames import shown

COMPARED = "A dot for each cell and engine: on the diagonal where the folders agree"


def side_by_side(folders: Sequence[Path], out: Path | None) -> Iterator[str | Table]:
    """Compare several folders; the page of it, with its picture, goes to the folder `out` if one is given.

    Raises InputError where `out` is one of them, or has records of its own: its pages are theirs.
    """
    if out:
        check_out(folders, out)
    comparison = compare(folders)
    for place, told in comparison.told.items():
        yield f"{place}: {told}"
    for table in (medians(comparison), cells(comparison)):
        yield ""
        yield table
    if out is None:
        return
    warnings: list[str] = []
    draw = partial(draw_comparison, comparison)
    with outputs.made(out):
        paths = save.save([(STEM, draw)], out, warnings)
        shot = pictures.shot(STEM, COMPARED, "", draw, warnings, wide=True)
        shots = {STEM: [shot] if shot else []}
        write_pages(out, "Side by side", list(sections(comparison)), paths, shots)
    yield ""
    yield from (f"warning: {warning}" for warning in warnings)
    yield f"in {shown(out)}: {HTML}, {MARKDOWN}, {len(paths)} pictures"


def check_out(folders: Sequence[Path], out: Path) -> None:
    """Raises InputError where the page of a comparison would overwrite that of a run."""
    if any(is_same(folder, out) for folder in folders):
        raise InputError(f"--out {out} is one of the folders that are compared, and would lose its pages: name another")
    if any(store.files(out / name) for name in (store.FILE, training_record.FILE)):
        raise InputError(f"--out {out} has records of its own, and would lose its own pages: name another folder")
