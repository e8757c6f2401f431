"""What is shown, as data: sections of text, tables, pictures and code; `terminal`, `markdown` and `html` write it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import numbers


class Number(str):
    """The text of a quantity, with the value to sort it by, rounded."""

    __slots__ = ("value",)
    value: float

    @classmethod
    def of(cls, text: str, value: float) -> Number:
        number = cls(text)
        number.value = numbers.rounded(value)
        return number


class Link(str):
    """The text of a field of a table, with the address that it leads to where links are: never one of a user's."""

    __slots__ = ("address",)
    address: str

    @classmethod
    def to(cls, text: str, address: str) -> str:
        """The text, as a link where there is an address."""
        if not address:
            return text
        link = cls(text)
        link.address = address
        return link


@dataclass(frozen=True)
class Text:
    """A paragraph; strong where it is the heading of what follows, small where it is a note at the foot."""

    words: str
    strong: bool = False
    small: bool = False


@dataclass(frozen=True)
class Listing:
    """A list of short texts; one that is a pair begins with a name, which stands out."""

    items: Sequence[str | tuple[str, str]]


@dataclass(frozen=True)
class Table:
    """The columns in `left`, by number, are flush left, the others right.

    Where there is little room, those in `wraps` are broken between words, in a terminal those in `folds` anywhere, and
    no others. A table that is sortable is worth sorting by a click. One without headings is for a terminal alone:
    names, and what each of them is.
    """

    headings: Sequence[str]
    lines: Sequence[Sequence[str]]
    left: Sequence[int] = (0,)
    folds: Sequence[int] = ()
    wraps: Sequence[int] = ()
    sortable: bool = False


@dataclass(frozen=True)
class Picture:
    """Every picture whose file's name begins with this stem; words are for who can't see it.

    Where each engine has a file of its own, Markdown shows those of these engines, and names the others.
    """

    stem: str
    words: str
    engines: Sequence[str] = ()


@dataclass(frozen=True)
class Code:
    """What one would type."""

    text: str


@dataclass(frozen=True)
class Fold:
    """What is there for who asks: a line, and a table that opens below it."""

    summary: str
    table: Table


@dataclass(frozen=True)
class Guess:
    """What a reader guesses before it is shown, in a page with a script alone; data goes to JSON: see guess.py."""

    data: Mapping[str, Any]


Block = Text | Listing | Table | Picture | Code | Fold | Guess


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it; a folded one opens by a click, one in detail is left out of Markdown."""

    title: str
    blocks: Sequence[Block]
    detail: bool = False
    folded: bool = False

    @property
    def scripted(self) -> bool:
        """Whether there is nothing in it without a script."""
        return all(isinstance(block, Guess) for block in self.blocks)

    @property
    def anchor(self) -> str:
        """Where a link to it leads."""
        return "-".join(re.findall("[a-z0-9]+", self.title.lower()))
