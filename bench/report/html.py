"""A document as one self-contained HTML file, to be sent around."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .document import Block, Picture, Section
from .parts import COLOURS

PAGE, FRAGMENT = "report.html.j2", "fragment.html.j2"


class Shot(NamedTuple):
    """A picture in the page: what it shows in words, its SVG as a data URL; wide where it needs more than a column."""

    finding: str
    setting: str
    source: str
    wide: bool = False


def page(title: str, sections: Sequence[Section], shots: Mapping[str, Sequence[Shot]]) -> str:
    """One file that needs no other; shots are the pictures by their stems. All text is escaped."""
    shown = [
        section
        for section in sections
        if any(not isinstance(block, Picture) or shots.get(block.stem) for block in section.blocks)
    ]
    story, folded = ([section for section in shown if section.folded == is_folded] for is_folded in (False, True))
    return (
        _environment().get_template(PAGE).render(title=title, story=story, folded=folded, shots=shots, colours=COLOURS)
    )


def fragment(blocks: Sequence[Block], shot: Shot) -> str:
    """Blocks and a picture below them as a piece of HTML, for a page of somebody else's. All text is escaped."""
    return _environment().get_template(FRAGMENT).render(blocks=[*blocks, Picture("shot", "")], shots={"shot": [shot]})


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
