"""Figures as files: the bytes of one as PNG or SVG, and all of a folder; one that fails costs a warning."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from matplotlib.figure import Figure
from PIL import Image

from backprop import InputError

from ...records import outputs
from .style import style

Draw = Callable[[], Figure | None]
"""Draws a figure; none where there is nothing to draw."""
SVG_METADATA = ("Creator", "Date", "Format", "Type")  # which are left out
T = TypeVar("T")


def save(drawn: Iterable[tuple[str, Draw]], folder: Path, warnings: list[str]) -> list[Path]:
    """Draw each into the folder, under its name as PNG and as SVG; returns the paths."""
    return [path for name, draw in drawn for path in attempt(name, partial(_save, draw, folder / name), warnings) or []]


def _save(draw: Draw, stem: Path) -> list[Path]:
    figure = draw()
    if figure is None:
        return []
    paths = [stem.with_name(f"{stem.name}.{form}") for form in ("png", "svg")]
    for path in paths:
        outputs.write(path, encode(figure, path.suffix[1:]))
        figure.set_layout_engine("none")  # it is laid out: that takes as long as drawing it
    return paths


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


def encode(figure: Figure, form: str, transparent: bool = False, width: int = 1600) -> bytes:
    """The figure as png, so many pixels wide at the most, or svg; a .svg is the same each time."""
    memory = BytesIO()
    with style():
        figure.savefig(
            memory,
            format=form,
            dpi=min(160, width / figure.get_figwidth()),
            metadata=dict.fromkeys(SVG_METADATA) if form == "svg" else {},
            transparent=transparent,
        )
    if form == "png":
        with Image.open(memory) as image:
            small = image.convert("RGB").quantize(128)  # a third of the bytes
        memory = BytesIO()
        small.save(memory, form, optimize=True)
    return memory.getvalue()
