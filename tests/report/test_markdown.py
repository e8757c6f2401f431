"""Markdown: whatever a text is made of, it comes out as that text, formats nothing and links to nobody."""

import html
import re
from functools import cache
from pathlib import Path

import pytest
from examples import make_finding, make_gate_record, make_record, make_timed_record
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bench.analysis import speedup_frame
from bench.cells.cell import Cell
from bench.gate import show
from bench.gate.touched import Standing
from bench.report import sections
from bench.report.document import Fold, Listing, Picture, Section, Table, Text
from bench.report.markdown import escape, page, write

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


def comment(name, why):
    """The gate's comment on an engine that is wrong, undecided in one cell and unchanged in another."""
    findings = [make_finding(name, "inconclusive", why=why, slower=True), make_finding(name, batch=1)]
    return show.markdown(make_gate_record(*findings, standings=[Standing(name, "wrong", why)]))


def report(name, why):
    """A results folder's report on an engine that was timed in one cell and failed in another."""
    found = [make_timed_record(Cell((8, 4, 2), 1), {"per_sample": 2.0, name: 1.0}), make_record(failed=why)]
    return page("Title", sections.tell(found, speedup_frame.frame(found), [], [], "note"), [])


def every_block(name, why):
    table = Table([name, "n"], [[why, "1"]], wraps=(0,))
    blocks = [
        Text(name, strong=True),
        Text(why, small=True),
        Listing([why, (name, f": {why}")]),
        table,
        Fold(why, table),
    ]
    return page(name, [Section(why, [*blocks, Picture("stem", name)])], [Path("stem.png")])


def parsed(markdown):
    """What it is made of, as kinds of tokens; and the text of each that holds any, of an image the alternative text."""
    kinds, texts = [], []
    for token in rendered(markdown):
        children = token.children or []
        kinds += [token.type, *(child.type for child in children if child.type not in ("text", "text_special"))]
        shown = [inner for child in children for inner in (child.children or [child])]
        texts += ["".join(inner.content for inner in shown)] if children else []
    return kinds, [" ".join(text.replace("\u200b", "").split()) for text in texts]


plain = cache(lambda write: parsed(write("ENGINE", "REASON")))
marks = st.text("|\\`*_~[]()<>!@#&;:$-+=.1aZ \n", min_size=1, max_size=12)
anything = st.lists(st.sampled_from(HOSTILE) | marks | st.text(max_size=8), min_size=1, max_size=3).map("".join)
texts = anything.map(str.strip).filter(lambda text: text.replace("\u200b", "").split() and "\0" not in text)
# Not those of engines that the made-up records have already, which are told once; nor the word that a reason replaces.
names = texts.filter(lambda name: name not in {"per_sample", "full_matrix", "wrong"} and "REASON" not in name)


@pytest.mark.parametrize("write", [comment, report, every_block])
@given(name=names, why=texts)
@settings(max_examples=60, deadline=None)
def test_whatever_an_engine_is_called_and_says_stays_text_in_every_place(write, name, why):
    markdown = write(name, why)
    kinds, told = parsed(markdown)
    assert kinds == plain(write)[0]
    written = [text.replace("ENGINE", name).replace("REASON", why) for text in plain(write)[1]]
    assert told == [" ".join(text.replace("\u200b", "").split()) for text in written]


@given(texts)
def test_what_is_folded_has_its_text_as_html(text):
    (shown,) = write([Fold(text, Table(["a"], [["b"]]))])
    summary = shown.partition("\n")[0]
    assert summary.count("<") == summary.count(">") == 3
    inner = html.unescape(summary.removeprefix("<details><summary>").removesuffix("</summary>"))
    assert inner.replace("\u200b", "") == " ".join(text.replace("\u200b", "").split())
