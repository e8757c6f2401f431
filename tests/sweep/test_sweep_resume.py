"""What a sweep leaves when it is killed, stopped or out of room, and how it goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import msgspec
import pytest
from examples import make_record
from repository import ROOT
from stand_ins import full
from sweeps import QUICK, batches, fake_race, refused

from bench.records import store
from bench.report import build
from bench.sweep import run as sweep_run


def test_it_goes_on_with_the_cells_that_are_missing(sweep_of, tmp_path):
    out = tmp_path / "out"
    assert sweep_of()[0] == 0
    lines = (out / "cells.jsonl").read_bytes().splitlines(keepends=True)
    (out / "cells.jsonl").write_bytes(b"".join([lines[2], lines[0]]))
    status, printed, _ = sweep_of("--resume")
    assert status == 0
    assert batches(out) == [3, 1, 2, 4]
    assert printed.startswith("3/4 4-3-2-b2")
    (out / "cells.jsonl").unlink()  # killed before the first cell was done
    sweep_of("--resume")
    assert batches(out) == [1, 2, 3, 4]
    assert sweep_of("--resume") == (0, "", "")


def test_a_sweep_that_an_older_version_began_is_read_and_refused_for_its_code_alone(sweep_of, tmp_path):
    manifest = tmp_path / "out" / "sweep.json"
    sweep_of()
    begun = json.loads(manifest.read_text())
    for cell in begun["cells"]:
        del cell["hidden"], cell["head"]
    old = {**begun, "schema": 1}
    manifest.write_text(json.dumps(old))
    assert sweep_of("--resume") == (0, "", "")
    manifest.write_text(json.dumps({**old, "software": {**begun["software"], "code": "0" * 16}}))
    told = sweep_of("--resume")
    refused(told, "was begun with code of the package backprop of digest 0000000000000000, now of digest")
    assert "cells" not in told[2].partition("go on")[0]


def test_functions_are_part_of_what_a_sweep_was_begun_with(sweep_of, tmp_path):
    assert sweep_of("--hidden", "relu", "--head", "softmax-cross-entropy")[0] == 0
    cells = [record.cell for record in store.load(tmp_path / "out")[0]]
    assert {(cell.hidden, cell.head) for cell in cells} == {("relu", "softmax-cross-entropy")}
    refused(
        sweep_of("--resume", "--hidden", "relu"), "cells 4, now 4 more, such as 4-3-2-b1-float64-t1-relu; with cells"
    )


@pytest.mark.parametrize("end", [-1, -40])  # without its newline, a line is not whole either
def test_a_line_that_was_cut_off_is_cut_off_for_good_and_its_cell_raced_again(sweep_of, tmp_path, end):
    sweep_of()
    path = tmp_path / "out" / "cells.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:end])
    assert sweep_of("--resume")[0] == 0
    assert path.read_bytes().count(b"\n") == 4
    assert store.load(path.parent)[1] == []
    assert batches(path.parent) == [1, 2, 3, 4]


def test_cells_that_failed_are_told_and_raced_again_when_asked(sweep_of, tmp_path, monkeypatch):
    out, raced = tmp_path / "out", []

    def fail_or_not(job):
        raced.append(job.cell.batch)
        failed = "crashed" if len(raced) <= 4 and job.cell.batch in (2, 3) else None
        return msgspec.structs.replace(make_record(job.cell.batch, failed=failed), cell=job.cell)

    monkeypatch.setattr(sweep_run, "race", fail_or_not)
    assert sweep_of()[0] == 1
    status, _, err = sweep_of("--resume")
    assert (status, raced) == (1, [1, 2, 3, 4])
    assert err == "backprop-bench: warning: 2 cells failed before: add --retry-failed to race them again\n"
    refused(sweep_of("--retry-failed"), "--retry-failed goes with --resume only")
    status, printed, err = sweep_of("--resume", "--retry-failed")
    assert (status, err) == (0, "")
    assert printed.startswith("3/4 4-3-2-b2")
    assert batches(out) == [1, 2, 3, 4, 2, 3]
    assert sweep_of("--resume") == (0, "", "")  # the later record counts
    assert sweep_of("--resume", "--retry-failed") == (0, "", "")
    assert raced == [1, 2, 3, 4, 2, 3]


def test_a_full_disk_leaves_whole_records_and_says_how_to_go_on(sweep_of, tmp_path, monkeypatch):
    def fill_up(job):
        if job.cell.batch == 3:
            monkeypatch.setattr(store.os, "fsync", full)
        return fake_race(job)

    fsync = os.fsync
    monkeypatch.setattr(sweep_run, "race", fill_up)
    refused(sweep_of(), "cells.jsonl can't be written: No space left on device", "make room, and go on with --resume")
    assert store.load(tmp_path / "out")[1] == []
    assert batches(tmp_path / "out") == [1, 2]
    monkeypatch.setattr(store.os, "fsync", fsync)
    monkeypatch.setattr(sweep_run, "race", fake_race)
    assert sweep_of("--resume")[0] == 0
    assert batches(tmp_path / "out") == [1, 2, 3, 4]


def start(grid_file, out):
    """A sweep in a process group of its own, as a terminal starts it."""
    command = [sys.executable, "-m", "bench", "sweep", "--grid", grid_file, "--engines", "per_sample,full_matrix"]
    return subprocess.Popen(
        [*map(str, command), "--out", str(out), *map(str, QUICK)],
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_end_of(group):
    """Fail if any process of this group goes on for ten seconds."""
    end = time.monotonic() + 10
    with suppress(ProcessLookupError):
        while time.monotonic() < end:
            os.killpg(group, 0)
            time.sleep(0.05)
        pytest.fail("a process was left behind")


def test_killed_in_the_middle_it_goes_on_where_it_was(sweep_of, tmp_path, grid_file):
    out = tmp_path / "out"
    killed = start(grid_file, out)
    killed.stdout.readline()  # the first cell
    killed.kill()
    killed.communicate()
    wait_for_end_of(killed.pid)  # the cell's process, too
    before = batches(out)
    assert 1 <= len(before) < 4
    assert sweep_of(*QUICK, "--resume")[0] == 0
    assert batches(out) == [1, 2, 3, 4]


def test_ctrl_c_says_how_to_go_on_and_leaves_no_process(tmp_path, grid_file):
    out = tmp_path / "out"
    stopped = start(grid_file, out)
    stopped.stdout.readline()
    os.killpg(stopped.pid, signal.SIGINT)
    _, errors = stopped.communicate(timeout=20)
    assert stopped.returncode == 130
    wait_for_end_of(stopped.pid)
    done = batches(out)
    assert errors == (
        f"backprop-bench: interrupted; {len(done)} of 4 cells are done and recorded in {out}: "
        "the same command with --resume goes on\n"
    )
    assert 1 <= len(done) < 4
    assert all(not record.failures for record in store.load(out)[0])


def test_code_that_changes_meanwhile_ends_the_sweep_and_is_not_recorded(
    call, tmp_path, grid_file, monkeypatch, repository
):
    """By a stand-in for the package: its processes would take the code as it is when they start."""
    monkeypatch.setattr(build, "build", lambda folder: iter(()))
    append = store.append

    def change_after_the_first(folder, record):
        append(folder, record)
        repository.edit("backprop/network.py", '"""', '"""Another. ')

    monkeypatch.setattr(store, "append", change_after_the_first)
    told = call("sweep", "--grid", grid_file, "--engines", "full_matrix", "--out", tmp_path / "out", *QUICK)
    refused(told, "the code of backprop-bench has changed while races go on", "put the code back", "--resume")
    assert batches(tmp_path / "out") == [1]
