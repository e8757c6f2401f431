"""The pictures of a report: those that are drawn into its folder, and those of its HTML page."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from functools import partial

import pandas as pd

from ..analysis import ladder
from ..records.record import Record
from ..records.training_record import Training
from . import selection
from .figures import accuracy_curves, memory_by_batch, panels, roofline, save, waterfall
from .figures.save import Draw
from .grouping import grid_of
from .html import Shot
from .machines import letters, with_room
from .roofline import STEM as ROOFLINE

CAPTIONS = {
    "waterfall": "Down the ladder: each bar is one change, and its length is its factor",
    "memory-by-batch": "Peak memory against batch size",
}


def of_races(found: Sequence[Record], rows: pd.DataFrame, note: str) -> Iterator[tuple[str, Draw]]:
    """Every picture that these records are enough for, under its file's name."""
    if found:
        yield from whole(found, rows, note)
        yield from panels.draw(with_room(selection.in_sets(found, rows)), note)
        yield from roofline.draw(with_room(grid_of(rows)), note)


def whole(found: Sequence[Record], rows: pd.DataFrame, note: str = "") -> Iterator[tuple[str, Draw]]:
    """Those that are one figure."""
    if top := ladder.headline(found):
        place = letters(rows["machine"])[top.record.environment.machine]
        where = f"\nThis cell: machine {place}." if place else ""
        yield "waterfall", partial(waterfall.draw, top, note + where)
    yield "memory-by-batch", partial(memory_by_batch.draw, with_room(selection.in_sets(found, rows)), note)


def shots(
    found: Sequence[Record], rows: pd.DataFrame, trained: Sequence[Training], warnings: list[str]
) -> dict[str, list[Shot]]:
    """The pictures of the HTML page by their stems: of the headline's setting where there are several."""
    drawn, small = {}, {}
    if found:
        for stem, draw in whole(found, rows):
            drawn[stem] = shots_of(stem, [(CAPTIONS[stem], "", draw)], warnings, wide=True)
        small = panels.by_stem(with_room(selection.pictured(found, grid_of(rows))))
        small[ROOFLINE] = list(roofline.panels(with_room(grid_of(rows))))
    small |= {stem: list(accuracy_curves.panels(trained, measure)) for measure, stem in accuracy_curves.STEMS.items()}
    for stem, own in small.items():
        drawn[stem] = shots_of(stem, [(one.finding, one.setting, partial(panels.small, one)) for one in own], warnings)
    return drawn


def shots_of(stem: str, asked: Sequence[tuple[str, str, Draw]], warnings: list[str], wide: bool = False) -> list[Shot]:
    """Pictures in the page, each by its finding and setting, but for those that are empty or can't be drawn."""

    def encoded(draw: Draw) -> bytes | None:
        figure = draw()
        return save.encode(figure, "svg", transparent=True) if figure else None

    return [
        Shot(finding, setting, f"data:image/svg+xml;base64,{b64encode(svg).decode()}", wide)
        for finding, setting, draw in asked
        if (svg := save.attempt(stem, partial(encoded, draw), warnings)) is not None
    ]
