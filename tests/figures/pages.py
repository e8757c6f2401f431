"""The pages with figures, what differs in them from the records, and the pages as they are to be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

from backprop import InputError

from ..trials import targets
from . import markers, published, registry
from .markers import Marker
from .registry import UntrueError

README = ("README.md", "backprop/README.md", "bench/README.md", "results/README.md")
WHOLE = {"results/published/shapes/targets.md": lambda: targets.write(published.records("shapes"))}
"""Files that are one figure."""


@dataclass
class Page:
    """A file as it stands and as it is to be; what differs, what is not true any more, and what can't be told."""

    name: str
    text: str
    written: str
    different: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def pages() -> Iterator[Page]:
    """Every page; a file that can't be read has that as what is wrong."""
    registry.load()
    for name in (*README, *WHOLE):
        try:
            text = (published.ROOT / name).read_text(encoding="utf-8")
        except OSError as error:
            yield Page(name, "", "", wrong=[f"{name} can't be read: {error.strerror}"])
            continue
        yield _whole(name, text) if name in WHOLE else with_figures(name, text)


def with_figures(name: str, text: str) -> Page:
    """A page of Markdown, with what the records say between its markers."""
    page = Page(name, text, text)
    try:
        found = list(markers.find(text, name))
    except InputError as error:
        page.wrong.append(str(error))
        return page
    written, place = [], 0
    for marker in found:
        shown = text[marker.start : marker.end]
        told = _told(page, marker, shown)
        line, both = marker.line + len(marker.around), (shown.strip("\n"), told.strip("\n"))
        page.different += _differences(name, line, *both, marker.figure)
        written += [text[place : marker.start], told]
        place = marker.end
    page.written = "".join([*written, text[place:]])
    return page


def _whole(name: str, text: str) -> Page:
    page = Page(name, text, text)
    try:
        page.written = WHOLE[name]()
    except InputError as error:
        page.wrong.append(f"{name}: {error}")
    page.different += _differences(name, 1, text, page.written, "the whole file")
    return page


def _told(page: Page, marker: Marker, shown: str) -> str:
    """What the records say; what is shown, where they can't, which the page notes."""
    try:
        return marker.around + registry.told(marker.figure) + marker.around
    except InputError as error:
        page.wrong.append(f"{page.name}:{marker.line}: {error}")
    except UntrueError as error:
        page.untrue.append(f"{page.name}:{marker.line}: what is said around {shown!r} is not true any more: {error}")
    return shown


def _differences(name: str, line: int, shown: str, told: str, figure: str) -> Iterator[str]:
    """A line where the two differ: the first line of a block that does, and how many more."""
    if shown == told:
        return
    both = list(zip_longest(shown.split("\n"), told.split("\n")))
    differing = [(number, *pair) for number, pair in enumerate(both, start=line) if pair[0] != pair[1]]
    number, stands, should = differing[0]
    more = f", and {len(differing) - 1} lines more" if len(differing) > 1 else ""
    yield f"{name}:{number}: {_quoted(stands)}, where the records say {_quoted(should)}{more} ({figure})"


def _quoted(line: str | None) -> str:
    return "nothing" if line is None else f"'{line.strip()}'"
