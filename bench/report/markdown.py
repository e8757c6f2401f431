"""A document as Markdown on GitHub: whatever a text is made of, it comes out as that text and does nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from .document import Block, Code, Fold, Link, Listing, Picture, Section, Table, Text
from .filenames import distinct

GAP = "&ZeroWidthSpace;"  # no width, and no word goes on across it
PLAIN = str.maketrans(
    {mark: f"\\{mark}" for mark in r"\`*[]|~#"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&dollar;"}
)
RULES = (
    (r"(?<![^\W_])_|_(?![^\W_])", r"\\_"),  # within a word an underscore is one
    (r"^([-+=]+)(?=\s|$)", r"\\\1"),  # an item, or the line below a heading
    (r"^(\d+)([.)])(?=\s|$)", r"\1\\\2"),
    (r"(@|\\#)(?=\w)", rf"\1{GAP}"),  # a person, an address, an issue
    (r"(?i)\b(GH-)(?=\d)", rf"\1{GAP}"),
    (r":(?=//|[\w+-]+:)", f":{GAP}"),  # a link, an emoji
    (r"(?i)\b(www)(?=\.)", rf"\1{GAP}"),
)


def escape(text: str) -> str:
    """The text in one line, for a heading, a paragraph, an item of a list or a field of a table.

    Nothing in it is formatted, is HTML, links or mentions anybody. Where GitHub looks for links in the finished
    text, and a backslash is of no use, a space of no width is put in.
    """
    line = " ".join(text.split()).encode("utf-8", "backslashreplace").decode()  # a path may hold what is no text
    line = line.translate(PLAIN)
    for pattern, instead in RULES:
        line = re.sub(pattern, instead, line)
    return line


def page(title: str, sections: Iterable[Section], pictures: Sequence[Path]) -> str:
    """The sections but for those in detail; pictures are linked by their names."""
    parts = [f"# {escape(title)}"]
    for section in sections:
        if not section.detail and (blocks := list(write(section.blocks, pictures))):
            parts += _folded(section.title, blocks) if section.folded else [f"## {escape(section.title)}", *blocks]
    return "\n\n".join(parts) + "\n"


def comment(mark: str, headline: str, blocks: Iterable[Block]) -> str:
    """A comment in a pull request, under a headline with an emoji."""
    return "\n\n".join([f"### :{mark}: {escape(headline)}", *write(blocks)]) + "\n"


def write(blocks: Iterable[Block], pictures: Sequence[Path] = ()) -> Iterator[str]:
    """Each block; between them belongs an empty line."""
    for block in blocks:
        match block:
            case Text(words, strong, small):
                yield f"**{escape(words)}**" if strong else f"<sub>{escape(words)}</sub>" if small else escape(words)
            case Listing(items):
                if items:
                    yield "\n".join(f"- {_item(item)}" for item in items)
            case Table():
                yield table(block)
            case Picture():
                yield from _pictures(block, [path.name for path in pictures if path.suffix == ".png"])
            case Code(text):
                fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
                yield f"{fence}sh\n{text}\n{fence}"
            case Fold(summary, folded):
                yield "\n\n".join(_folded(summary, [table(folded)]))


def _folded(summary: str, blocks: Iterable[str]) -> list[str]:
    return [f"<details><summary>{_in_html(summary)}</summary>", *blocks, "</details>"]


def table(block: Table) -> str:
    """A table in the Markdown of GitHub."""
    marks = ["---" if number in block.left else "---:" for number in range(len(block.headings))]
    headings, *lines = [list(map(_field, line)) for line in (block.headings, *block.lines)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (headings, marks, *lines))


def _pictures(block: Picture, names: Sequence[str]) -> Iterator[str]:
    """A line for each picture of the block, and one of those that are not shown."""
    own = [name for name in names if name.startswith(block.stem)]
    asked = [f"{block.stem}-{engine}.png" for engine in distinct(dict.fromkeys(block.engines))]
    shown = [name for name in own if name in asked] or own
    yield from (f"![{escape(block.words)}]({name})" for name in shown)
    if rest := [name for name in own if name not in shown]:
        yield escape(f"backprop-bench report draws more of them beside this page: {', '.join(rest)}.")


def _item(item: str | tuple[str, str]) -> str:
    if isinstance(item, str):
        return escape(item)
    name, rest = item
    return f"**{escape(name)}**{escape(rest)}"


def _field(text: str) -> str:
    return f"[{escape(text)}]({text.address})" if isinstance(text, Link) else escape(text)


def _in_html(text: str) -> str:
    """The same between two tags on one line, where a backslash would be shown."""
    return re.sub(r"\\(.)", lambda escaped: f"&#{ord(escaped[1])};", escape(text))
