"""The command: which claims are raced, what is left out and why, and what the folder holds in the end."""

import sys

import browsing
import pytest
from claims_made import made_up

from bench.cells import processors
from bench.claims import ways
from bench.claims.table import markdown
from bench.records import store
from bench.sweep import run as sweep_run

LINK = "](http://neuralnetworksanddeeplearning.com/chap2.html#problem_269962)"


@pytest.fixture
def raced(call, tmp_path, monkeypatch):
    """The command with made-up races of this factor, into the folder `out`."""

    def run(*more, factor=4.0):
        monkeypatch.setattr(sweep_run, "race", made_up(factor))
        monkeypatch.setattr(ways, "race", made_up(factor))
        return call("claims", "--out", tmp_path / "out", *more)

    return run


def refused(told, *words):
    """Whether it ended with status 2 and one line that holds these words."""
    status, _, err = told
    assert (status, err.count("\n")) == (2, 1), told
    assert all(word in err for word in words), err


@pytest.fixture
def without_torch(monkeypatch):
    """PyTorch is not installed, and no engine of it is loaded yet."""
    for name in [name for name in sys.modules if name.startswith("backprop.engines.torch")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)


@pytest.mark.usefixtures("undrawn")
def test_claims_are_raced_told_and_kept(raced, call, tmp_path):
    status, printed, err = raced("--only", "nielsen,reader", "--only", "d2l-columns")
    assert (status, err) == (0, "")
    told = " ".join(printed.split())
    assert "larger here" in told  # than two
    assert "4.00x" in told
    assert "Of 3 published claims, 1 holds, 1 is smaller here, 1 is larger here" in told
    assert "\x1b" not in printed
    out = tmp_path / "out"
    assert {"cells.jsonl", "claims.json", "sweep.json", "report.md", "report.html", "claims.png"} <= {
        path.name for path in out.iterdir()
    }
    assert len(store.load(out)[0]) == 3  # two claims share a race, one is over two widths
    page = (out / "report.html").read_text()
    assert '<a href="http://neuralnetworksanddeeplearning.com/chap2.html#problem_269962">' in page
    assert LINK in (out / "report.md").read_text()
    (out / "report.html").unlink()
    status, again, _ = call("report", out)
    assert status == 0
    assert again.splitlines()[0] in printed
    assert (out / "report.html").read_text() == page


@pytest.mark.usefixtures("undrawn")
def test_the_table_for_a_readme_has_a_line_a_claim_and_its_link(raced, tmp_path):
    raced("--only", "nielsen,source")
    heading, rule, *lines = markdown(tmp_path / "out").splitlines()
    assert heading.startswith("| claim | said | here")
    assert set(rule) <= set("| -:")
    assert len(lines) == 2
    assert LINK in lines[0]
    assert "| 2x |" in lines[0]
    assert lines[1].endswith("| holds |")


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("width", [390, 1200])
def test_every_column_of_the_table_is_seen_on_a_phone_and_on_a_screen(raced, tmp_path, width):
    raced("--only", "nielsen,source,numpy-tutorial,pytorch-144633,jax-vmap")
    with browsing.start() as browser:
        browsing.opened(browser, tmp_path / "out" / "report.html", width)
        table = browser.find_element("css selector", "#the-answer .scroll:has(table)")
        assert table.get_property("scrollWidth") <= table.get_property("clientWidth") <= width


@pytest.mark.usefixtures("undrawn", "without_torch")
def test_what_is_not_installed_is_left_out_with_what_would_help(raced, tmp_path):
    status, printed, _ = raced("--only", "nielsen,pytorch-1630")
    told = " ".join(printed.split())
    assert status == 0
    assert "pytorch-1630 was left out: engine torch_eager needs the package torch" in told
    assert "pip install" in told
    assert "Of 1 published claim, 1 is larger here" in told
    assert "pytorch-1630" in (tmp_path / "out" / "report.md").read_text()


@pytest.mark.usefixtures("undrawn")
def test_a_claim_of_two_threads_needs_two_cores(raced, monkeypatch):
    pytest.importorskip("torch")  # without it, that is the reason that is told
    monkeypatch.setattr(processors, "CORES", 1)
    status, printed, _ = raced("--only", "nielsen,pytorch-144633")
    assert status == 0
    assert "pytorch-144633 was left out: threads must be from 1 to 1, the cores of this machine, not 2" in " ".join(
        printed.split()
    )


@pytest.mark.usefixtures("without_torch")
def test_where_nothing_can_be_raced_nothing_is_written(raced, tmp_path):
    refused(raced("--only", "pytorch-1630"), "no claim can be raced here: pytorch-1630: engine torch_eager needs")
    assert not (tmp_path / "out").exists()


def test_a_wrong_call_is_refused_before_anything_is_written(raced, tmp_path):
    refused(raced("--only", "nielson"), "unknown claim 'nielson': did you mean nielsen?")
    refused(raced("--seconds", 0), "must be a positive number")
    refused(
        raced("--seconds", 3600, "--only", "nielsen"), "2 races would take about 2.0 hours", "fewer claims by --only"
    )
    refused(raced("--resume"), "holds no sweep to go on with")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("undrawn")
def test_an_interrupted_one_goes_on(raced, tmp_path, monkeypatch):
    raced("--only", "nielsen")
    lines = (tmp_path / "out" / "cells.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "out" / "cells.jsonl").write_bytes(lines[0])
    refused(raced("--only", "nielsen"), "holds a sweep: go on with it by --resume")
    assert raced("--only", "nielsen", "--resume")[0] == 0
    assert [record.cell.sizes for record in store.load(tmp_path / "out")[0]] == [(784, 30, 10), (784, 100, 10)]


@pytest.mark.usefixtures("undrawn")
def test_what_failed_is_raced_again_and_no_claim_of_the_folder_is_lost(raced, tmp_path):
    out, same = tmp_path / "out", "reader,reader-m1"
    assert raced("--only", same, factor=None)[0] == 1
    page = (out / "report.md").read_text()
    assert "No claim that can be judged was raced" in page
    assert "| claim" not in page
    status, printed, _ = raced("--only", "reader", "--resume")
    assert status == 0
    assert "Of 2 published claims, 2 hold" in printed
    assert [len(record.failures) for record in store.load(out)[0]] == [0]


@pytest.mark.usefixtures("undrawn")
def test_a_claim_that_this_version_has_not_got_is_told(raced, call, tmp_path):
    raced("--only", "reader")
    asked = tmp_path / "out" / "claims.json"
    asked.write_text(asked.read_text().replace('"reader"', '"reader","forgotten"'))
    printed = " ".join("".join(call("report", tmp_path / "out")[1:]).split())
    assert "forgotten: raced here, and no claim of this version" in printed


def test_a_report_of_a_file_is_refused_in_words_of_the_report(call, tmp_path):
    (tmp_path / "file").write_text("")
    status, _, err = call("report", tmp_path / "file")
    assert (status, err.count("\n")) == (2, 1)
    assert "claims.json" not in err
    assert "Errno" not in err
