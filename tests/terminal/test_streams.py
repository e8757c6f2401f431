"""Printing never ends a run: streams without a character, without a reader, without room, and narrow terminals."""

import io
import os
import re
import subprocess
import sys

import pytest
from examples import make_finding, make_gate_record, make_ladder_record, make_record, make_training
from repository import ROOT
from rich.console import Console

from backprop import InputError
from bench.cells.cell import make_cell
from bench.cells.entry import resolve
from bench.gate import show
from bench.records import store
from bench.report import races, trainings
from bench.report.side_by_side import side_by_side
from bench.terminal import console
from bench.terminal.streams import Patient, patient

RACE = ["race", "full_matrix", "--sizes", "8-4-2", "--batch", "4", "--seconds", "0.05", "--json"]


class Broken(io.StringIO):
    """A stream that takes so many characters, and then none."""

    encoding = "utf-8"
    name = "<stdout>"

    def __init__(self, room, error):
        super().__init__()
        self.room, self.error = room, error

    def write(self, text):
        if self.room < len(text):
            raise self.error
        self.room -= len(text)
        return super().write(text)


def test_what_an_encoding_lacks_is_escaped():
    for encoding, told in (("ascii", rb"r\xfcck \u4e2d \ud800"), ("latin-1", b"r\xfcck \\u4e2d \\ud800")):
        raw = io.BytesIO()
        stream = Patient(io.TextIOWrapper(raw, encoding))
        print("rück 中 \ud800", file=stream, end="", flush=True)
        assert raw.getvalue() == told


@pytest.mark.parametrize(
    ("error", "told"), [(BrokenPipeError(32, "Broken pipe"), ""), (OSError(28, "No space"), "No space")]
)
def test_what_cannot_be_written_is_lost_and_the_run_goes_on(monkeypatch, capsys, error, told):
    stream = Broken(6, error)
    monkeypatch.setattr(sys, "stdout", stream)
    with patient():
        for part in ("first\n", "second\n", "third\n"):
            print(part, end="")
        console.show(["fourth", "fifth"])
    assert stream.getvalue() == "first\n"
    assert sys.stdout is stream
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == bool(told)


def test_a_stream_that_is_closed_from_the_start_is_none(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with patient():
        console.show(["text"])
        console.warn("text")
        print("text")


@pytest.mark.parametrize("end", ["reader", "ascii"])
def test_a_race_ends_as_it_would_have_whoever_reads_it(tmp_path, end):
    path = tmp_path / "rückwärts.py"
    path.write_text("from backprop.engines.full_matrix import FullMatrix\nclass Mine(FullMatrix): pass\n")
    command = [sys.executable, "-m", "bench", *RACE, str(tmp_path / "a.json"), "--engines", path.name]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=tmp_path
    ) as run:
        if end == "reader":
            run.stdout.close()
            out, err = b"", run.stderr.read()
        else:
            out, err = run.communicate()
    assert run.returncode == 0
    assert all(line.startswith(b"backprop-bench: warning: another race") for line in err.splitlines())
    assert (rb"r\xfcckw\xe4rts.py" in out) == (end == "ascii")
    assert "rückwärts.py" in (tmp_path / "a.json").read_text()


@pytest.mark.parametrize("columns", ["0", "1", "5", "20", "79", "100000", "-1", "x", ""])
def test_every_width_of_a_terminal_will_do(monkeypatch, tmp_path, columns):
    monkeypatch.setenv("COLUMNS", columns)
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        store.append(tmp_path / name, make_record(failed="why"))
    to = Console(width=int(columns)) if columns.isdigit() else Console()
    found = [make_ladder_record(), make_record(data="mnist5k")]
    console.show(races.describe(found), to)
    console.show(side_by_side([tmp_path / "one", tmp_path / "two"], None), to)
    console.show(trainings.describe([make_training(10, 0, {"per_sample": (1.0, 3), "full_matrix": (0.5, 3)})]), to)
    console.show(show.describe(make_gate_record(make_finding())), to)
    told = stream.getvalue()
    assert "…" not in told, "nothing is cut"
    assert re.search(r"400 us +1\.00x +0\.9\d+-1\.0\dx +6%", told), told


def test_a_name_of_colons_is_no_emoji(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    console.show(["a:b:c :x:"])
    assert stream.getvalue() == "a:b:c :x:\n"


@pytest.mark.parametrize("name", ["r\udcfcck.py", "a\nb.py", "a\x1b[2J.py", "a\u2028b.py", "a\x00.py"])
def test_a_name_that_no_record_can_hold_is_refused_before_anything_is_timed(call, tmp_path, name):
    with pytest.raises(InputError, match="rename it"):
        make_cell("8-4-2", 4, "float64", 1, name.replace(".py", ".npz"))
    with pytest.raises(InputError, match="rename it"):
        resolve(["full_matrix", name])
    status, out, err = call("race", "full_matrix", name, "--seconds", 0.1, "--json", tmp_path / "a.json")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "rename it" in err
    assert not (tmp_path / "a.json").exists()


def test_names_of_other_scripts_are_names(tmp_path):
    path = tmp_path / "rückwärts 中 e\u0301.py"
    path.write_text("from backprop.engines.full_matrix import FullMatrix\nclass Mine(FullMatrix): pass\n")
    assert resolve([str(path)])[0].name == str(path)
