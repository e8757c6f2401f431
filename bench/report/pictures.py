"""The pictures of a report: those that are drawn into its folder, and those of its HTML page."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from functools import partial

import pandas as pd

from ..analysis import ladder
from ..records.record import Record
from ..records.training_record import Training
from . import sections
from .figures import accuracy_curves, memory_by_batch, panels, save, waterfall
from .figures.save import Draw
from .grouping import grid_of, letters, with_room
from .html import Shot

CAPTIONS = {
    "waterfall": "Down the ladder: each bar is one change, and its length is its factor",
    "memory-by-batch": "Peak memory against batch size",
}


def of_races(found: Sequence[Record], rows: pd.DataFrame, note: str) -> Iterator[tuple[str, Draw]]:
    """Every picture that these records are enough for, under its file's name."""
    if found:
        yield from whole(found, rows, note)
        yield from panels.draw(with_room(grid_of(rows)), note)


def whole(found: Sequence[Record], rows: pd.DataFrame, note: str = "") -> Iterator[tuple[str, Draw]]:
    """Those that are one figure."""
    if top := ladder.headline(found):
        place = letters(rows["machine"])[top.record.environment.machine]
        where = f"\nThis cell: machine {place}." if place else ""
        yield "waterfall", partial(waterfall.draw, top, note + where)
    yield "memory-by-batch", partial(memory_by_batch.draw, with_room(grid_of(rows)), note)


def shots(
    found: Sequence[Record], rows: pd.DataFrame, trained: Sequence[Training], warnings: list[str]
) -> dict[str, list[Shot]]:
    """The pictures of the HTML page by their stems: of the headline's dtype and threads where there are several."""
    asked: dict[str, list[tuple[str, str, Draw]]] = {}
    if found:
        asked |= {stem: [(CAPTIONS[stem], "", draw)] for stem, draw in whole(found, rows)}
        for kind, facets in panels.by_kind(with_room(sections.pictured(found, grid_of(rows)))):
            asked[kind.stem] = [(facet.finding, facet.setting, partial(panels.small, facet, kind)) for facet in facets]
    asked[accuracy_curves.STEM] = list(accuracy_curves.panels(trained))
    return {
        stem: [made for each in own if (made := shot(stem, *each, warnings, wide=stem in CAPTIONS))]
        for stem, own in asked.items()
    }


def shot(stem: str, finding: str, setting: str, draw: Draw, warnings: list[str], wide: bool) -> Shot | None:
    """One picture in the page, none where there is nothing to draw or it can't be drawn."""

    def drawn() -> Shot | None:
        figure = draw()
        if figure is None:
            return None
        svg = b64encode(save.encode(figure, "svg", transparent=True)).decode()
        return Shot(finding, setting, f"data:image/svg+xml;base64,{svg}", wide)

    return save.attempt(stem, drawn, warnings)
