"""A report's sections as Markdown, for a pull request, and as one self-contained HTML file, to be sent around."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from . import markdown as md
from . import words
from .blocks import Block, Code, Listing, Picture, Section, Table, Text

TEMPLATE = "report.html.j2"


class Shot(NamedTuple):
    """A picture in the page: what it shows in words, and its SVG; wide where it needs more room than a column."""

    finding: str
    setting: str
    svg: Markup
    wide: bool = False


def markdown(title: str, sections: Iterable[Section], pictures: Sequence[Path]) -> str:
    """The sections but for those in detail; pictures are linked by their names."""
    parts = [f"# {md.escape(title)}"]
    for section in sections:
        if not section.detail:
            blocks = [part for block in section.blocks for part in _markdown(block, pictures)]
            parts += [f"## {md.escape(section.title)}", *blocks] if blocks else []
    return "\n\n".join(parts) + "\n"


def _markdown(block: Block, pictures: Sequence[Path]) -> Iterator[str]:
    match block:
        case Text(told, strong):
            plain = md.escape(told)
            yield f"**{plain}**" if strong else plain
        case Listing(items):
            yield "\n".join(f"- {md.escape(item)}" for item in items)
        case Table():
            yield table(block)
        case Picture(stem, told):
            names = [path.name for path in pictures if path.suffix == ".png" and path.name.startswith(stem)]
            yield from (f"![{told}]({name})" for name in names)
        case Code(text):
            fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
            yield f"{fence}sh\n{text}\n{fence}"


def table(block: Table) -> str:
    """The table in Markdown."""
    headings, *lines = [list(map(md.escape, line)) for line in (block.headings, *block.lines)]
    return words.table(headings, lines, block.left)


def html(title: str, sections: Sequence[Section], shots: Mapping[str, Sequence[Shot]]) -> str:
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
