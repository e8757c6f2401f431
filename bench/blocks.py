"""A report as data: sections of text, tables, pictures and code, which `page` writes as Markdown and as HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


class Number(str):
    """The text of a quantity, with the value to sort it by."""

    __slots__ = ("value",)
    value: float

    @classmethod
    def of(cls, text: str, value: float) -> Number:
        number = cls(text)
        number.value = float(value)
        return number


@dataclass(frozen=True)
class Text:
    """A paragraph; strong where it is the heading of what follows."""

    words: str
    strong: bool = False


@dataclass(frozen=True)
class Listing:
    """A list of short texts."""

    items: Sequence[str]


@dataclass(frozen=True)
class Table:
    """All but the first `left` columns are flush right; one that is sortable is worth sorting by a click."""

    headings: Sequence[str]
    lines: Sequence[Sequence[str]]
    left: int = 1
    sortable: bool = False


@dataclass(frozen=True)
class Picture:
    """Every picture whose file's name begins with this stem; words are for who can't see it."""

    stem: str
    words: str


@dataclass(frozen=True)
class Code:
    """What one would type."""

    text: str


Block = Text | Listing | Table | Picture | Code


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it; one in detail is left out where length matters."""

    title: str
    blocks: Sequence[Block]
    detail: bool = False

    @property
    def anchor(self) -> str:
        """Where a link to it leads."""
        return "-".join(re.findall("[a-z0-9]+", self.title.lower()))
