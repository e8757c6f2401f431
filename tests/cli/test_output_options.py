"""Where a command is told to write: refused before anything is timed, and what was found is told all the same."""

import sys

import pytest
from examples import make_finding, make_gate_record
from filelock import FileLock
from stand_ins import engine_file, full

from bench.records import outputs
from bench.records.outputs import Output


def names(folder):
    return sorted(path.name for path in folder.iterdir())


RACE = ("race", "per_sample", "full_matrix", "--sizes", "4-3-2", "--batch", 2, "--seconds", 0.05, "--no-floor")
GATE = ("gate", "--against", "HEAD")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ((*RACE, "--json", "@/folder"), "folder can't be written: it is a folder"),
        ((*RACE, "--json", ""), "--json': the name is empty"),
        ((*GATE, "--json", ""), "--json': the name is empty"),
        ((*GATE, "--json", "@/folder"), "folder can't be written: it is a folder"),
        ((*GATE, "--markdown", "@/folder"), "folder can't be written: it is a folder"),
        ((*GATE, "--json", "@/x", "--markdown", "@/x"), "--json and --markdown name the same file"),
        ((*GATE, "--json", "@/x.svg", "--plot", "@/folder/../x.svg"), "--json and --plot name the same file"),
        (("sweep", "--grid", "smoke", "--engines", "per_sample", "--out", ""), "--out': the name is empty"),
        (("sweep", "--grid", "smoke", "--engines", "per_sample", "--out", "@/file"), "can't be written: it is a file"),
        (("train", "--data", "digits", "--to-accuracy", "0.1", "--out", ""), "--out': the name is empty"),
        (("train", "--data", "digits", "--to-accuracy", "0.1", "--out", "@/file"), "can't be written: it is a file"),
        (("report", "a", "b", "--out", ""), "--out': the name is empty"),
    ],
)
def test_a_command_refuses_before_it_times_anything(call, tmp_path, monkeypatch, command, message):
    for timed in ("bench.timing.race.race", "bench.gate.run.gate", "bench.timing.to_accuracy._train"):
        monkeypatch.setattr(timed, None)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    status, out, err = call(*(str(part).replace("@", str(tmp_path)) for part in command))
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert names(tmp_path) == ["file", "folder"]


def test_the_table_is_printed_where_the_record_cannot_be_written(call, tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    write = Output.write

    def fill_up_and_write(self, content):
        monkeypatch.setattr(outputs.os, "fsync", full)
        write(self, content)

    monkeypatch.setattr(Output, "write", fill_up_and_write)
    status, out, err = call(*RACE, "--json", path)
    assert status == 2
    assert "full_matrix" in out
    assert err.startswith(f"backprop-bench: {path} can't be written: No space left on device")
    assert names(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="links as Unix has them")
def test_the_gate_writes_through_links(call, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.gate.run.gate", lambda *_, **__: make_gate_record(make_finding()))
    files = {option: tmp_path / f"x.{kind}" for option, kind in (("json", "json"), ("markdown", "md"), ("plot", "svg"))}
    for path in files.values():
        path.symlink_to(tmp_path / f"real-{path.name}")
    assert call(*GATE, *(part for option, path in files.items() for part in (f"--{option}", path)))[0] == 0
    assert all(path.is_symlink() and path.stat().st_size > 100 for path in files.values())


def test_training_in_a_folder_in_use_is_refused(call, tmp_path):
    with FileLock(tmp_path / outputs.LOCK):
        status, _, err = call("train", "--data", "digits", "--to-accuracy", "0.1", "--out", tmp_path)
    assert status == 2
    assert "is in use by another" in err
    assert not (tmp_path / "training.jsonl").exists()


def test_what_was_trained_is_told_where_its_record_cannot_be_written(call, tmp_path, monkeypatch):
    monkeypatch.setattr(outputs, "sync_folder", full)
    command = ("train", "--data", "digits", "--to-accuracy", "0.1", "--engines", "full_matrix", "--seeds", 1)
    status, out, err = call(*command, "--out", tmp_path)
    assert status == 2
    assert "seed 0, batch 10" in out
    assert "training.jsonl can't be written: No space left on device" in err
    assert (tmp_path / "training.jsonl").read_bytes() == b""


def test_an_engine_that_fails_at_once_leaves_no_folder(call, tmp_path):
    engine_file(tmp_path / "wrong.py", "    def step(self, x, y, eta): super().step(x, y, 2 * eta)\n")
    command = ("train", "--data", "digits", "--to-accuracy", "0.1", "--engines", tmp_path / "wrong.py")
    assert call(*command, "--out", tmp_path / "new" / "folder")[0] == 1
    assert names(tmp_path) == ["wrong.py"]
