"""The pictures of a report: into its folder, as PNG and SVG, and into its page; one that fails costs a warning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from . import curves, ladder, memory, panels, plots, story, waterfall
from .facets import grid_of, letters, with_room
from .html import Shot
from .plots import Draw
from .records import Record
from .to_accuracy import Training

CAPTIONS = {
    "waterfall": "Down the ladder: each bar is one change, and its length is its factor",
    "memory-by-batch": "Peak memory against batch size",
}


def of_races(found: Sequence[Record], rows: pd.DataFrame, note: str) -> Iterator[tuple[str, Draw]]:
    """Every picture that these records are enough for, under its file's name."""
    if found:
        yield from whole(found, rows, note)
        yield from plots.draw(with_room(grid_of(rows)), note)


def whole(found: Sequence[Record], rows: pd.DataFrame, note: str = "") -> Iterator[tuple[str, Draw]]:
    """Those that are one figure."""
    if top := ladder.headline(found):
        place = letters(rows["machine"])[top.record.environment.machine]
        yield "waterfall", partial(waterfall.draw, top, f"{note}\nThis cell: machine {place}." if place else note)
    yield "memory-by-batch", partial(memory.draw, with_room(grid_of(rows)), note)


def save(drawn: Iterable[tuple[str, Draw]], folder: Path, warnings: list[str]) -> list[Path]:
    """Draw each into the folder; returns the paths."""

    def written(name: str, draw: Draw) -> list[Path]:
        figure = draw()
        return plots.save_both(figure, folder / name) if figure else []

    return [path for name, draw in drawn for path in plots.attempt(name, partial(written, name, draw), warnings) or []]


def shots(
    found: Sequence[Record], rows: pd.DataFrame, trained: Sequence[Training], warnings: list[str]
) -> dict[str, list[Shot]]:
    """The pictures of the HTML page by their stems: of the headline's dtype and threads where there are several."""
    asked: dict[str, list[tuple[str, str, Draw]]] = {}
    if found:
        asked |= {stem: [(CAPTIONS[stem], "", draw)] for stem, draw in whole(found, rows)}
        for kind, facets in panels.by_kind(with_room(story.pictured(found, grid_of(rows)))):
            asked[kind.stem] = [(facet.finding, facet.setting, partial(plots.panel, facet, kind)) for facet in facets]
    asked[curves.STEM] = list(curves.panels(trained))
    return {
        stem: [
            made
            for number, each in enumerate(own)
            if (made := shot(f"{stem}-{number}", *each, warnings, wide=stem in CAPTIONS))
        ]
        for stem, own in asked.items()
    }


def shot(name: str, finding: str, setting: str, draw: Draw, warnings: list[str], wide: bool) -> Shot | None:
    """One picture in a page; name is what its ids begin with."""

    def inline() -> Shot | None:
        figure = draw()
        return Shot(finding, setting, Markup(plots.inline(figure, name)), wide) if figure else None

    return plots.attempt(name, inline, warnings)
