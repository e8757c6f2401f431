"""No figure of a page goes stale: each is what the records say. And what is said of one that is not."""

import re
import sys

import pytest
from markdown_it import MarkdownIt

from backprop import InputError
from tests.figures import __main__ as command
from tests.figures import gate, pages, published, registry

BLOCK = "<!--= lines -->\n| a |\n| --- |\n<!--/-->\n"
GOOD = f"It is <!--= good -->7x<!--/--> as fast, **<!--= good -->7x<!--/-->**.\n\n{BLOCK}"


@pytest.fixture
def figures(monkeypatch):
    """Figures of this test's own."""

    def untrue():
        raise registry.UntrueError("it takes longer")

    own = {"good": lambda: "7x", "lines": lambda: "| a |\n| --- |", "of": lambda engine: engine, "untrue": untrue}
    monkeypatch.setattr(registry, "FIGURES", own)


@pytest.fixture
def run(monkeypatch, capsys, tmp_path, figures):
    """The command over one page; returns its exit status, what it printed, and the page after it."""
    monkeypatch.setattr(pages, "README", ("page.md",))
    monkeypatch.setattr(pages, "WHOLE", {})
    monkeypatch.setattr(registry, "load", lambda: None)
    monkeypatch.setattr(published, "ROOT", tmp_path)

    def call(text, *options):
        page = tmp_path / "page.md"
        page.write_text(text)
        monkeypatch.setattr(sys, "argv", ["figures", *options])
        status = command.main()
        printed = capsys.readouterr()
        return status, (printed.out + printed.err).splitlines(), page.read_text()

    return call


def test_every_figure_of_the_pages_is_what_the_records_say():
    found = list(pages.pages())
    said = [line for page in found for line in (*page.wrong, *page.different, *page.untrue)]
    assert not said, "\n".join([*said, "`python -m tests.figures` writes them anew"])
    assert sum(page.text.count("<!--=") for page in found) > 40


def test_every_figure_is_in_a_page():
    registry.load()
    text = "".join((published.ROOT / name).read_text() for name in pages.README)
    assert set(registry.FIGURES) == set(re.findall(r"<!--= ([\w-]+)", text))


@pytest.mark.parametrize("name", pages.README)
def test_a_page_with_markers_is_rendered_as_without(name):
    text = (published.ROOT / name).read_text()
    html = MarkdownIt("commonmark").enable("table").render(text)
    plain = re.sub(r"(?m)^<!--.*-->\n", "", text)
    assert re.sub(r"<!--.*?-->\n?", "", html) == MarkdownIt("commonmark").enable("table").render(
        re.sub("<!--.*?-->", "", plain)
    )


def test_a_good_page_is_left_alone(run):
    assert run(GOOD, "--check") == (0, [], GOOD)
    assert run(GOOD) == (0, ["every figure is as the records have it"], GOOD)


def test_each_figure_that_differs_is_told_in_a_line_and_written_anew(run):
    stale = GOOD.replace(">7x<", ">8x<", 1).replace("| a |", "| b |\n| c |")
    status, told, page = run(stale, "--check")
    assert (status, page) == (1, stale)
    assert told == [
        "page.md:1: '8x', where the records say '7x' (good)",
        "page.md:4: '| b |', where the records say '| a |', and 2 lines more (lines)",
    ]
    assert run(stale) == (0, ["2 figures written anew"], GOOD)


def test_an_empty_block_is_filled(run):
    assert run("<!--= lines -->\n<!--/-->\n") == (0, ["1 figures written anew"], BLOCK)


def test_words_that_do_not_hold_any_more_are_told_and_not_written(run):
    text = "It is <!--= untrue -->8 %<!--/--> less, <!--= good -->8x<!--/-->.\n"
    told = "page.md:1: what is said around '8 %' is not true any more: it takes longer"
    assert run(text) == (1, [told, "1 figures written anew"], text.replace("8x", "7x"))
    assert run(text.replace("8x", "7x"), "--check")[:2] == (1, [told])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a <!--= goood -->7x<!--/-->\n", "page.md:1: no figure is called 'goood': did you mean good?"),
        ("a <!--= of -->7x<!--/-->\n", "page.md:1: 'of': missing a required argument: 'engine'; it takes engine"),
        ("\na <!--= good -->7x\n", "page.md:2: <!--= good --> has no <!--/--> after it"),
        ("a <!--= good -->7<!--= good -->x<!--/-->\n", "page.md:1: <!--= good --> has no <!--/--> after it"),
        ("a <!--/-->\n", "page.md:1: <!--/--> ends no figure"),
        ("- <!--= good -->7x<!--/-->\n", "page.md:1: <!--= good --> begins its line"),
        ("a <!--= lines -->\n7x<!--/-->\n", "page.md:1: <!--= lines --> and its end are on two lines"),
    ],
)
def test_a_wrong_marker_is_a_line_and_nothing_is_written(run, text, said):
    page = f"{text}\nb <!--= good -->8x<!--/-->\n"
    status, told, after = run(page)
    assert (status, len(told), after) == (2, 1, page)
    assert told[0].startswith(said)


def test_what_is_not_published_is_told():
    registry.load()
    for expression, said in {
        "noise nowhere": "results/published/nowhere",
        "speedup default fusde": "has no times of 'fusde': did you mean fused?",
        "speedup default fused 784-30-10-b11": "has no cell '784-30-10-b11'",
    }.items():
        with pytest.raises(InputError, match=re.escape(said)):
            registry.told(expression)


def test_the_gates_line_is_of_the_last_run_and_that_was_red(monkeypatch):
    def run(exit_status, seconds, slowdown, verdict="regressed"):
        ends = {"value": slowdown, "low": slowdown, "high": slowdown}
        cell = {"engine": "full_matrix", "cell": "784-100-10-b30-float64-t1", "verdict": verdict, "slowdown": ends}
        findings = [cell | {"resolution": 0.02}]
        return {"percent": 5, "exit": exit_status, "seconds": seconds, "findings": findings, "environment": {}}

    runs = [run(1, 20.0, 1.04), run(1, 31.4, 1.06)]
    monkeypatch.setattr(gate, "lines", lambda _: runs)
    assert gate.gate_line("5") == (
        "`gate: full_matrix regressed in 1 of 1 cells, by +6.0% in the median, against HEAD~1 "
        "(tolerance 2%, error of the whole run 1%, 31 s)`"
    )
    runs.append(run(0, 9.0, 1.0, "unchanged"))
    with pytest.raises(registry.UntrueError, match="it ended with exit status 0, not 1"):
        gate.gate_line("5")
