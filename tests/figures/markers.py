"""Markers in Markdown: what stands between two comments is a figure, named by the first, and written by a program.

    It is <!--= speedup default full_matrix -->4.40x (4.22 to 4.59)<!--/--> as fast.

Such a pair on one line holds a few words. Where each comment has a line for itself, what is between is a block: a
table, a paragraph, or what a terminal shows. A comment at the beginning of a line would make HTML of all of it, so a
word or the mark of a table goes before; within code comments are shown, so code has them around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from backprop import InputError

MARK = re.compile(r"<!--(?:= *(?P<figure>.*?) *|/)-->")
BEGINS_HTML = re.compile(r"\s*(?:[-*+>]\s+|\d+[.)]\s+)*$")  # what may go before a comment that Markdown takes as HTML


@dataclass(frozen=True)
class Marker:
    """A figure by its name and arguments, and where its text stands: from `start` to `end`, on line `line` from 1.

    around is what its text begins and ends with: of a block, the ends of lines.
    """

    figure: str
    start: int
    end: int
    line: int
    around: str


def find(text: str, file: str) -> Iterator[Marker]:
    """The markers of a file in order; InputError for one that is no pair, or stands where it would be shown."""
    opened: re.Match[str] | None = None
    for mark in MARK.finditer(text):
        if mark["figure"] is None:
            if opened is None:
                raise InputError(f"{file}:{line_of(text, mark.start())}: <!--/--> ends no figure")
            yield _pair(text, opened, mark, file)
            opened = None
        elif opened is not None:
            break
        else:
            opened = mark
    if opened is not None:
        raise InputError(f"{file}:{line_of(text, opened.start())}: {opened[0]} has no <!--/--> after it")


def line_of(text: str, place: int) -> int:
    """The number, from 1, of the line at this place."""
    return text.count("\n", 0, place) + 1


def _pair(text: str, opened: re.Match[str], closed: re.Match[str], file: str) -> Marker:
    line = line_of(text, opened.start())
    if "\n" not in text[opened.end() : closed.start()]:
        before = text[text.rfind("\n", 0, opened.start()) + 1 : opened.start()]
        if BEGINS_HTML.fullmatch(before):
            raise InputError(f"{file}:{line}: {opened[0]} begins its line, and makes HTML of it: put a word before it")
        return Marker(opened["figure"], opened.end(), closed.start(), line, "")
    if not (_is_alone(text, opened) and _is_alone(text, closed)):
        raise InputError(f"{file}:{line}: {opened[0]} and its end are on two lines: give each a line for itself")
    return Marker(opened["figure"], opened.end(), closed.start(), line, "\n")


def _is_alone(text: str, mark: re.Match[str]) -> bool:
    return {text[mark.start() - 1 : mark.start()], text[mark.end() : mark.end() + 1]} <= {"\n", ""}
