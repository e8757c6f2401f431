"""Markdown: whatever a text is made of, it comes out as that text, formats nothing and links to nobody."""

import re

import pytest
from markdown_it import MarkdownIt

from bench.document import Listing, Section, Table, Text
from bench.markdown import escape, page

HOSTILE = [
    "a|b \\| c\\",
    "<b>bold</b> <!-- --> &lt; &amp;",
    "@someone, @team/all; me@example.org, full_matrix@origin/main",
    "https://example.org/x?a=1 http://x www.example.org WWW.X.org ftp://x",
    "fixes #1, GH-2, owner/name#3 per_sample#2",
    "*a* **b** _c_ __init__ a_b ~d~ ~~e~~ `f` ``g``",
    "![x](y) [z](w) [q][r] [^1] [ref]: /url",
    "# heading",
    "- item",
    "+ item",
    "1. item",
    "2) item",
    "> quote",
    "---",
    "===",
    "***",
    "    code",
    "one\n\n# two\r\n```\u2028three\x0b~~~",
    "$x$ and $$y$$ :tada: :+1:",
    "{{ 7 * 7 }} {% raw %}",
    "rückwärts.py 10 °C \u00a0 <",
]
GITHUB_LINKS = r"(?<!\w)@\w|\w@\w|#\d|\bGH-\d|://|\bwww\.|:[\w+-]+:|\$"


def rendered(markdown):
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)


def inline(token):
    return [child.type for child in token.children], token.children and "".join(c.content for c in token.children)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_of_any_kind_is_one_paragraph_of_that_text(text):
    _, token, _ = tokens = rendered(escape(text))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    kinds, told = inline(token)
    assert set(kinds) == {"text"} or set(kinds) == {"text", "text_special"}
    assert told.replace("\u200b", "") == " ".join(text.split())
    assert not re.search(GITHUB_LINKS, escape(text))
    assert not re.search(GITHUB_LINKS, told.replace("$", ""))


def test_a_page_of_hostile_texts_has_its_own_structure_only():
    for text in HOSTILE:
        section = Section(
            text, [Text(text), Text(text, strong=True), Listing([text]), Table([text, "n"], [[text, ""]])]
        )
        tokens = rendered(page(text, [section], []))
        opened = [token.type.removesuffix("_open") for token in tokens if token.nesting == 1]
        table = ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td"]
        lists = ["bullet_list", "list_item", "paragraph"]
        assert opened == ["heading", "heading", "paragraph", "paragraph", *lists, *table], text
        for token in tokens:
            if token.type == "inline" and token.content not in ("n", ""):
                told = inline(token)[1].replace("\u200b", "")
                assert told == " ".join(text.split())


def test_what_is_no_text_is_written_out():
    assert escape("r\udcfc.py") == r"r\\udcfc.py"


def test_ordinary_words_stay_as_they_are():
    for text in ("full_matrix", "784-30-10-b10-float64-t1", "+5.2%", "-0.3%", "CPU @ 2.50GHz", "4.00x (3.9-4.1x)"):
        assert escape(text) == text
