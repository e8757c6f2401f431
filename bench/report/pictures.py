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
from .figures import (
    accuracy_curves,
    factor_by_batch,
    libraries,
    memory_by_batch,
    panels,
    removed,
    roofline,
    save,
    waterfall,
)
from .figures.panels import Panel
from .figures.save import Draw
from .grouping import grid_of
from .html import Shot
from .libraries import STEM as LIBRARIES
from .machines import letters, with_room
from .roofline import STEM as ROOFLINE


def of_races(found: Sequence[Record], rows: pd.DataFrame, note: str) -> Iterator[tuple[str, Draw]]:
    """Every picture that these records are enough for, under its file's name."""
    if found:
        for stem, panel in of_the_story(found, rows).items():
            yield stem, partial(panels.figure_of, [panel], note)
        if top := ladder.headline(found):
            place = letters(rows["machine"])[top.record.environment.machine]
            yield waterfall.STEM, partial(waterfall.draw, top, place, note)
        grid = with_room(selection.in_sets(found, rows))
        yield from memory_by_batch.draw(selection.of_networks(found, grid), rows["engine"], note)
        yield from panels.draw(selection.of_engines(found, grid), note)
        yield from roofline.draw(with_room(grid_of(rows)), note)
        yield from libraries.draw(found, note)


def of_the_story(found: Sequence[Record], rows: pd.DataFrame) -> dict[str, Panel]:
    """Those of one panel, that the story is told with."""
    top = ladder.headline(found)
    drawn = {
        factor_by_batch.STEM: factor_by_batch.panel(found, rows),
        removed.STEM: removed.panel(top, rows) if top else None,
    }
    return {stem: panel for stem, panel in drawn.items() if panel}


def shots(
    found: Sequence[Record], rows: pd.DataFrame, trained: Sequence[Training], warnings: list[str]
) -> dict[str, list[Shot]]:
    """The pictures of the HTML page by their stems: of the headline's setting where there are several."""
    drawn: dict[str, list[Shot]] = {}
    small: dict[str, list[Panel]] = {}
    if found:
        if top := ladder.headline(found):
            place = letters(rows["machine"])[top.record.environment.machine]
            draw = partial(waterfall.draw, top, place, "", titled=False)
            asked = [(waterfall.finding(top), waterfall.setting(top, place), draw)]
            drawn[waterfall.STEM] = shots_of(waterfall.STEM, asked, warnings, wide=True)
        grid = with_room(selection.pictured(found, grid_of(rows)))
        small = {stem: [panel] for stem, panel in of_the_story(found, rows).items()}
        small |= panels.by_stem(selection.of_engines(found, grid))
        small[memory_by_batch.STEM] = list(memory_by_batch.panels(grid, rows["engine"]))
        small[ROOFLINE] = list(roofline.panels(with_room(grid_of(rows))))
        small[LIBRARIES] = list(libraries.panels(found))
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
