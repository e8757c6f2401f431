"""Text in Markdown on GitHub: whatever it is made of, it comes out as that text and does nothing."""

from __future__ import annotations

import re

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
