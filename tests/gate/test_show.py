"""What people see of a run of the gate: table, Markdown, annotations, picture."""

import json
import xml.etree.ElementTree as ElementTree
from math import inf

import msgspec
import pytest
from examples import make_finding, make_gate_record
from shown import text

from backprop import InputError
from bench.analysis.intervals import Estimate
from bench.gate import figure, github, show
from bench.gate.touched import Standing
from bench.records import store

SLOWER = make_finding(verdict="regressed", slowdown=1.052)
FASTER = make_finding("per_sample", "improved", 0.8, batch=30)
OPEN = make_finding("per_sample", "inconclusive", 1.01, why="60 passes were not enough", slower=True)
SAME = make_finding(batch=1)
WRONG = Standing("fused", "wrong", "the gradient of weights[0] is off by 3%: see\nbelow")
SKIPPED = Standing("per_sample", "unchanged", "the same code; not raced")


def printed(record, width=80):
    return text(show.describe(record), width)


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_tells_each_cell_gravest_first(width):
    lines = printed(make_gate_record(SAME, FASTER, OPEN, SLOWER), width).splitlines()
    rows = [line.split() for line in lines if "784-30-10" in line and ", " not in line]
    assert rows[0] == ["full_matrix", "784-30-10-b10-float64-t1", "+5.2%", "+4.2", "to", "+6.3%", "regressed", "+3.0%"]
    assert [row[-2] for row in rows] == ["regressed", "inconclusive", "improved", "unchanged"]
    assert max(map(len, lines)) <= width


def test_the_last_line_is_the_outcome():
    def last(*findings, standings=()):
        text = " ".join(printed(make_gate_record(*findings, standings=standings), 500).split("\n")[-2].split())
        return text.removeprefix("gate: ").removesuffix(" (tolerance 2%, error of the whole run 1%, 61 s)")

    against = ", against main (cccccccccc)"
    assert last(SAME, SLOWER) == f"full_matrix regressed in 1 of 2 cells, by +5.2% in the median{against}"
    assert last(SAME) == last(FASTER) == last(standings=[SKIPPED]) == f"no engine slowed down{against}"
    assert last(OPEN) == f"per_sample inconclusive in 1 of 1 cells{against}"
    assert last(SLOWER, standings=[WRONG]).startswith("fused is wrong; full_matrix regressed in 1 of 1 cells")


def test_reasons_are_told():
    text = " ".join(printed(make_gate_record(OPEN, standings=[SKIPPED])).split())
    assert "per_sample, 784-30-10-b10-float64-t1: inconclusive: 60 passes were not enough" in text
    assert "per_sample: unchanged: the same code; not raced" in text


def test_markdown_shows_what_is_news_and_folds_the_rest():
    text = show.markdown(make_gate_record(SAME, SLOWER, standings=[WRONG]))
    news, rest = text.split("<details>")
    assert news.startswith("### :x: fused is wrong; full_matrix regressed in 1 of 2 cells")
    assert "| full_matrix | 784-30-10-b10-float64-t1 | +5.2% | +4.2 to +6.3% | regressed | +3.0% |" in news
    assert "<summary>1 unchanged</summary>" in rest
    assert "784-30-10-b1-float64-t1" in rest
    assert "Test CPU" in rest
    assert show.markdown(make_gate_record(SAME)).startswith("### :white_check_mark: no engine slowed down")
    assert show.markdown(make_gate_record(OPEN)).startswith("### :grey_question: per_sample inconclusive")


def test_github_gets_a_summary_and_escaped_annotations(tmp_path):
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    record = make_gate_record(SAME, SLOWER, FASTER, OPEN, standings=[WRONG, SKIPPED])
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    told = list(github.tell(record, environment))
    assert told == [
        "::error title=fused is wrong::the gradient of weights[0] is off by 3%25: see%0Abelow",
        "::error title=full_matrix regressed in 1 of 2 cells%2C by +5.2%25 in the median"
        "::784-30-10-b10-float64-t1 +5.2%25",
        "::notice title=per_sample improved in 1 of 2 cells%2C by -20%25 in the median"
        "::784-30-10-b30-float64-t1 -20%25",
        "::notice title=per_sample inconclusive in 1 of 2 cells::784-30-10-b10-float64-t1 +1.0%25",
    ]
    assert summary.read_text() == "before\n" + show.markdown(record)
    assert list(github.tell(record, {})) == []


def test_what_an_engine_says_is_text_in_markdown_and_no_command():
    said = "KeyError: <b>@somebody</b> see https://x.example #12\n::set-output name=x::1\r\n| a | ![](y) `z`"
    bad = Standing("a|b", "wrong", said)
    open_ = make_finding("c\n**d**", "inconclusive", why=said, slower=True)
    record = make_gate_record(open_, standings=[bad])
    record.against = "HEAD^{/[x](y)}"
    text = show.markdown(record)
    for active in ("<b>", "@somebody", "https://", "#12", "![]", "[x]", "`z`", "| a |", "\n::", "**d**", "a|b"):
        assert active not in text
    assert text.count("somebody") == 2
    told = list(github.workflow_commands(record))
    assert all(line.startswith(("::error title=", "::notice title=")) for line in told)
    assert not any(mark in line for line in told for mark in "\r\n")
    assert told[1].startswith("::notice title=c%0A**d** inconclusive in 1 of 1 cells::")
    assert ":" not in told[0].split("::")[1].split("=", 1)[1]


def test_a_reason_without_end_is_cut_where_it_is_shown():
    record = make_gate_record(standings=[Standing("fused", "wrong", "x" * 10**6)])
    told = [printed(record), show.markdown(record), *github.workflow_commands(record)]
    assert all(500 <= text.count("x") < 600 and "..." in text for text in told)
    assert len(store.dump(record)) > 10**6


def test_under_github_what_is_printed_between_is_no_command(capsys):
    with github.no_commands({"GITHUB_ACTIONS": "true"}):
        print("::error::x")
    first, _, last = capsys.readouterr().out.splitlines()
    word = first.removeprefix("::stop-commands::")
    assert last == f"::{word}::"
    assert len(word) > 10
    with github.no_commands({}):
        pass
    assert capsys.readouterr().out == ""


def test_a_summary_that_cant_be_written_costs_no_verdict(tmp_path):
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path)}
    first, *rest = github.tell(make_gate_record(SLOWER), environment)
    assert first.startswith("::warning title=the job's summary can't be written::")
    assert rest[0].startswith("::error title=full_matrix regressed")


def test_many_engines_have_room_in_the_picture(monkeypatch):
    monkeypatch.setattr(figure, "_panel", lambda *_: None)
    monkeypatch.setattr(figure.save, "encode", lambda figure, form: figure.get_size_inches() * 300)
    many = [make_finding(f"engine_{i}") for i in range(70)]
    assert max(figure.draw(make_gate_record(*many), "png")) < 2**16


def test_the_picture_shows_every_cell_and_the_finding(tmp_path):
    path = tmp_path / "gate.svg"
    path.write_bytes(figure.draw(make_gate_record(SAME, SLOWER, FASTER, OPEN), "svg"))
    text = "".join(ElementTree.parse(path).getroot().itertext())
    for words in (
        "full_matrix regressed in 1 of 2 cells",
        "784-30-10-b30-float64-t1",
        "improved",
        "inconclusive",
        "Test CPU",
    ):
        assert words in text
    path.write_bytes(figure.draw(make_gate_record(), "svg"))
    assert "no engine could be compared" in "".join(ElementTree.parse(path).getroot().itertext())


def test_an_interval_without_an_end_is_shown(tmp_path):
    wide = msgspec.structs.replace(
        OPEN, slowdown=Estimate(1.1, 0.0, inf), noise=Estimate(1.0, 0.0, inf), resolution=inf
    )
    record = make_gate_record(wide)
    assert "-100 to +inf%" in printed(record)
    (tmp_path / "gate.svg").write_bytes(figure.draw(record, "svg"))
    assert json.loads(store.dump(record))["findings"][0]["slowdown"] == {"value": 1.1, "low": 0.0, "high": None}


def test_a_picture_of_another_kind_is_refused(tmp_path):
    assert figure.form(tmp_path / "x.svg") == "svg"
    with pytest.raises(InputError, match=r"\.png or \.svg"):
        figure.form(tmp_path / "x.pdf")
