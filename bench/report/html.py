"""A document as one self-contained HTML file, to be sent around."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .document import Picture, Section

TEMPLATE = "report.html.j2"


class Shot(NamedTuple):
    """A picture in the page: what it shows in words, its SVG as a data URL; wide where it needs more than a column."""

    finding: str
    setting: str
    source: str
    wide: bool = False


def page(title: str, sections: Sequence[Section], shots: Mapping[str, Sequence[Shot]]) -> str:
    """One file that needs no other; shots are the pictures by their stems. All text is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown = [
        section
        for section in sections
        if any(not isinstance(block, Picture) or shots.get(block.stem) for block in section.blocks)
    ]
    return environment.get_template(TEMPLATE).render(title=title, sections=shown, shots=shots)
