"""Figures: the panels of a grid put together, and any figure written to a file or into a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from textwrap import wrap
from typing import TypeVar
from xml.etree import ElementTree

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from backprop import InputError

from . import outputs
from .figures import style
from .filenames import distinct
from .panels import Facet, Kind, by_kind

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", XLINK)

SMALL = (5.2, 3.6)  # inches
PANELS = (8, 24)  # the most in one figure of all engines, and in one of the figures that an engine then has
NOTE_LETTERS = 16  # of a footnote, to an inch

Draw = Callable[[], Figure | None]
"""Draws a figure; none where there is nothing to draw."""
T = TypeVar("T")


def draw(grid: pd.DataFrame, note: str) -> Iterator[tuple[str, Draw]]:
    """Every kind of picture over the grid, each under its file's name.

    note is the footnote: the machine and the noise floor. A quantity that no cell of a grid has is not drawn.
    """
    for kind, facets in by_kind(grid):
        for name, part in _figures(kind.stem, facets):
            yield name, partial(_figure, part, kind.draw, note)


def attempt(name: str, draw: Callable[[], T], warnings: list[str]) -> T | None:
    """What draw() gives; where it fails there is a warning, once, and no picture: all else is told without it."""
    try:
        return draw()
    except Exception as error:
        why = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        warning = f"the picture {name} can't be drawn: {why}"
        if warning not in warnings:
            warnings.append(warning)
        return None


def panel(facet: Facet, kind: Kind) -> Figure:
    """One panel alone, small enough for a phone; its finding and setting are left to the text around it."""
    with style():
        figure = Figure(figsize=SMALL, layout="constrained")
        kind.draw(figure.subplots(), facet.rows)
    return figure


def _figures(stem: str, facets: list[Facet]) -> Iterable[tuple[str, list[Facet]]]:
    """The panels of each figure, under the figure's name."""
    together, alone = PANELS
    if len(facets) <= together:
        return [(stem, facets)] if facets else []
    parts = []
    for engine in dict.fromkeys(facet.engine for facet in facets):
        own = [facet for facet in facets if facet.engine == engine]
        parts += [
            (f"{engine}-{start // alone + 1}" if start else engine, own[start : start + alone])
            for start in range(0, len(own), alone)
        ]
    names = distinct(name for name, _ in parts)
    return [(f"{stem}-{name}", part) for name, (_, part) in zip(names, parts, strict=True)]


def _figure(facets: list[Facet], draw_facet: Callable[[Axes, pd.DataFrame], None], note: str) -> Figure:
    columns = min(2, len(facets))
    lines = -(-len(facets) // columns)
    with style():
        figure = Figure(figsize=(8.0 * columns, 5.0 * lines + 0.6), layout="constrained")
        grid = list(figure.subplots(lines, columns, squeeze=False).flat)
        for axes, facet in zip(grid, facets, strict=False):
            axes.set_title(facet.finding, loc="left", fontweight="bold", pad=22)
            axes.text(0, 1.02, facet.setting, transform=axes.transAxes, color="0.35", fontsize=9)
            draw_facet(axes, facet.rows)
        for axes in grid[len(facets) :]:
            axes.set_axis_off()
        foot(figure, note)
    return figure


def foot(figure: Figure, note: str) -> None:
    """The footnote of a figure."""
    width = int(NOTE_LETTERS * figure.get_figwidth())
    lines = (line for told in note.splitlines() for line in wrap(told, width) or [""])
    figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=7.5, color="0.35")


def encode(figure: Figure, form: str, transparent: bool = False) -> bytes:
    """The figure as png, 1,600 pixels wide at the most, or svg; a .svg is the same each time."""
    memory = BytesIO()
    with style():
        figure.savefig(
            memory,
            format=form,
            dpi=min(160, 1600 / figure.get_figwidth()),
            metadata={"Date": None} if form == "svg" else {},
            transparent=transparent,
        )
    if form == "png":
        with Image.open(memory) as image:
            small = image.convert("RGB").quantize(128)  # a third of the bytes
        memory = BytesIO()
        small.save(memory, form, optimize=True)
    return memory.getvalue()


def inline(figure: Figure, name: str) -> str:
    """The figure as an <svg> element to stand in a page among others: its ids begin with the name."""
    root = ElementTree.fromstring(encode(figure, "svg", transparent=True))
    for parent in root.iter():
        for child in [child for child in parent if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style")]:
            parent.remove(child)
        for attribute, value in parent.attrib.items():
            if attribute == "id":
                parent.set(attribute, f"{name}-{value}")
            elif "#" in value:
                parent.set(attribute, re.sub(r"(^|url\()#", rf"\1#{name}-", value))
    root.set("style", f"max-width: {root.attrib.pop('width')}")  # as wide as there is room, up to its own size
    root.attrib.pop("height")
    return ElementTree.tostring(root, encoding="unicode")


def save_both(figure: Figure, stem: Path) -> list[Path]:
    """Write the figure as PNG and as SVG; returns their paths."""
    paths = [stem.with_name(f"{stem.name}.{form}") for form in ("png", "svg")]
    for path in paths:
        outputs.write(path, encode(figure, path.suffix[1:]))
        figure.set_layout_engine("none")  # it is laid out: that takes as long as drawing it
    return paths
