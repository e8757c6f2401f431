"""The folder of a suite: good records stay, another run's are refused, and it goes on where it was."""

import json
from fnmatch import filter as matching

import pytest
from elsewhere import made_up, untouched
from examples import make_record

from bench.records import outputs, store
from bench.suite import run as suite_module


@pytest.mark.parametrize(
    ("options", "status"),
    [
        (["--benchmark-disable"], 0),
        (["--benchmark-skip"], 0),
        (["--collect-only"], 0),
        (["--fixtures"], 0),
        (["--help"], 0),
        (["--setup-plan"], 0),
        (["-k", "nothing"], 5),
        (["broken.py"], 2),
        (["--deselect=test_step.py"], 5),
        (["-n2", "--benchmark-disable"], 0),
    ],
)
def test_good_records_stay_where_nothing_is_recorded(suite, tmp_path, options, status):
    (tmp_path / "broken.py").write_text("import not_there\n")
    assert suite(*options)[0] == status
    untouched(tmp_path)


@pytest.mark.parametrize("ending", [KeyboardInterrupt, OSError(28, "No space left on device"), MemoryError])
def test_good_records_stay_where_the_first_race_comes_to_nothing(suite, tmp_path, monkeypatch, ending):
    def end(*_, **__):
        raise ending

    monkeypatch.setattr(suite_module, "run_race", end)
    assert suite()[0] == 2
    untouched(tmp_path)


def test_records_that_cannot_be_set_aside_end_the_run(suite, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.shutil, "move", full)
    status, out, _ = suite()
    assert status == 2
    assert "the records in out can't be set aside: No space left on device" in out
    assert store.load(tmp_path / "out")[0] == [make_record()]


def test_a_folder_in_use_and_one_of_a_sweep_are_refused(suite, tmp_path):
    with outputs.locked(tmp_path / "out"):
        status, _, err = suite()
    assert status == 2
    assert err.startswith("Exit: out is in use by another sweep, suite or training")
    (tmp_path / "out" / "sweep.json").touch()
    assert suite()[2] == "Exit: out holds a sweep: name another folder with --race-results\n"
    (tmp_path / "out" / "sweep.json").unlink()
    untouched(tmp_path)


def test_a_suite_goes_on_with_the_cells_that_are_missing(suite, tmp_path, monkeypatch):
    (tmp_path / "grid.toml").write_text('sizes = ["4-3-2"]\nbatch = [2, 3]\n')
    assert suite("-k", "b2")[0] == 0
    raced = []
    monkeypatch.setattr(suite_module, "run_race", lambda job, progress: raced.append(job.cell.batch) or made_up(job, 0))
    status, out, _ = suite("--race-resume", "--benchmark-json=x.json")
    assert (status, raced) == (0, [3])
    assert matching(out.splitlines(), "[[]1/2] 4-3-2-b2-float64-t1 *x  as recorded before")
    assert [record.cell.batch for record in store.load(tmp_path / "out")[0]] == [2, 3]
    rows = json.loads((tmp_path / "x.json").read_text())["benchmarks"]
    assert [(row["params"]["batch"], row["name"]) for row in rows] == [
        (batch, name) for batch in (2, 3) for name in ("per_sample", "full_matrix")
    ]
    assert suite("--race-resume")[0] == 0
    assert raced == [3]
    assert suite()[0] == 0  # begins anew
    assert raced == [3, 2, 3]


def test_what_differs_from_the_suite_that_was_begun_is_named(suite, tmp_path):
    assert suite("--race-resume")[2] == "Exit: out holds no suite to go on with: leave out --resume to begin one\n"
    untouched(tmp_path)
    assert suite()[0] == 0
    before = (tmp_path / "out" / "cells.jsonl").read_bytes()
    for options, difference in [
        (["--race-engines=per_sample"], "engines full_matrix, now per_sample: go on with what it was begun with"),
        (["--race-seconds=2"], "seconds 0.1, now 2: go on with what it was begun with, or begin another suite"),
        (["--race-grid=smoke"], "cells 1, now 4 more"),
    ]:
        status, _, err = suite("--race-resume", *options)
        assert status == 2
        assert err.startswith("Exit: out was begun with " + difference)
        assert err.count("\n") == 1
    (tmp_path / "out" / "suite.json").write_text("{")
    assert "suite.json is not what a suite has written" in suite("--race-resume")[2]
    assert (tmp_path / "out" / "cells.jsonl").read_bytes() == before


def test_records_in_the_folder_that_is_worked_in_are_not_moved_away(suite, tmp_path):
    (tmp_path / "out" / "cells.jsonl").rename(tmp_path / "cells.jsonl")
    assert "holds records, and what is worked in" in suite("--race-results=.")[2]
