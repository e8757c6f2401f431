"""A sweep as a person meets it: what is raced, what survives a crash, what is refused, and where it goes on."""

import errno
import io
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
from filelock import FileLock
from repository import ROOT
from rich.console import Console

from bench.cells import grids
from bench.cells.cell import Cell
from bench.cells.entry import Entry, resolve
from bench.records import outputs, store
from bench.records.record import SCHEMA, Record
from bench.report import build
from bench.sweep import run as sweep_run
from bench.terminal import progress
from bench.timing import machine
from bench.timing import race as race_module
from bench.timing.one_pass import RaceJob
from bench.timing.race import race

QUICK = ("--seconds", 0.05, "--no-floor")
CELL = Cell((4, 3, 2), 2)


@pytest.fixture
def grid_file(tmp_path):
    path = tmp_path / "grid.toml"
    path.write_text('sizes = ["4-3-2"]\nbatch = [1, 2, 3, 4]\n')
    return path


def fake_race(job):
    """A record as race would have made it, at once."""
    return msgspec.structs.replace(make_record(job.cell.batch), cell=job.cell)


@pytest.fixture
def sweep_of(call, tmp_path, grid_file, monkeypatch):
    """Run the command with made-up records and without a report, into the folder `out`."""
    monkeypatch.setattr(sweep_run, "race", fake_race)
    monkeypatch.setattr(build, "build", lambda folder: iter(()))

    def run(*more, engines="per_sample,full_matrix", out=tmp_path / "out"):
        return call("sweep", "--grid", grid_file, "--engines", engines, "--out", out, *more)

    return run


def batches(folder):
    found, _ = store.read(folder / store.FILE, Record, SCHEMA)
    return [record.cell.batch for record in found]


def refused(told, *words):
    """Whether the command line ended with status 2 and one line that holds these words."""
    status, _, err = told
    assert status == 2, told
    assert err.startswith("backprop-bench: ")
    assert err.count("\n") == 1
    for word in words:
        assert word in err


def engine_file(path, in_step):
    path.write_text(
        "import os, signal, time\nfrom backprop.engines.full_matrix import FullMatrix\n"
        f"class Mine(FullMatrix):\n    def step(self, x, y, eta):\n        {in_step}\n        super().step(x, y, eta)\n"
    )
    return path


@pytest.mark.usefixtures("undrawn")
def test_every_cell_is_raced_in_a_process_of_its_own_and_reported(call, tmp_path, grid_file):
    mine = engine_file(tmp_path / "mine.py", "print('an engine may talk')")
    out = tmp_path / "results" / "new"
    status, printed, err = call(
        "sweep", "--grid", grid_file, "--engines", f"per_sample,{mine}", "--out", out, "--seconds", 0.3
    )
    assert (status, err) == (0, "")
    found, warnings = store.load(out)
    assert [record.cell for record in found] == grids.cells_of(str(grid_file))
    assert warnings == []
    assert all([one.name for one in record.contestants] == ["per_sample", str(mine)] for record in found)
    assert all(one.seconds for record in found for one in (*record.contestants, record.floor))
    assert "\x1b" not in printed
    for number, record in enumerate(found, start=1):
        assert f"{number}/4 {record.cell.id}  " in printed
    assert "4-3-2-b4" in printed.split("left\n")[-1]  # the summary's table
    assert {"report.md", "speedup.csv", "sweep.json"} <= {path.name for path in out.iterdir()}
    begun = json.loads((out / "sweep.json").read_text())
    assert begun["schema"] == 1
    assert begun["engines"][1]["digest"]
    assert begun["machine"]["host"] == found[0].environment.host


@pytest.mark.parametrize(
    ("last_act", "reason"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "the process of this cell was killed by SIGSEGV"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL, as the system does when memory runs out"),
        ("os._exit(3)", "the process of this cell ended with status 3"),
    ],
)
def test_a_cell_that_takes_its_process_down_is_recorded_and_the_others_are_raced(
    call, tmp_path, monkeypatch, last_act, reason
):
    monkeypatch.setattr(build, "build", lambda folder: iter(()))
    (tmp_path / "two.toml").write_text('sizes = ["5-3-2", "4-3-2"]\nbatch = [3]\n')
    mine = engine_file(tmp_path / "mine.py", f"x.shape[1] == 4 or {last_act}")
    command = ("sweep", "--grid", tmp_path / "two.toml", "--engines", f"per_sample,{mine}", "--out", tmp_path / "out")
    status, printed, _ = call(*command, *QUICK)
    assert status == 1
    crashed, raced = store.load(tmp_path / "out")[0]
    assert (crashed.cell.sizes, raced.cell.sizes) == ((5, 3, 2), (4, 3, 2))
    for one in crashed.contestants:
        assert one.failed
        assert one.seconds == []
        assert reason in one.left_out
    assert reason in printed
    assert raced.failures == []
    assert crashed.environment.machine == raced.environment.machine
    monkeypatch.setattr(sweep_run, "race", None)  # what failed is done: nothing is left to race
    assert call(*command, *QUICK, "--resume")[0] == 1
    assert len(store.load(tmp_path / "out")[0]) == 2


def test_a_cell_that_hangs_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(race_module, "TIMEOUT", (0.0, 3.0))
    entries = resolve([str(engine_file(tmp_path / "hangs.py", "time.sleep(60)"))])
    record = race(RaceJob(CELL, entries, 0.05, False, pin=True))
    assert record.contestants[0].left_out == "the process of this cell ran for more than 3 s"


@pytest.mark.usefixtures("undrawn")
def test_a_sweep_of_crashed_cells_alone_is_still_reported(call, tmp_path):
    store.append(tmp_path, race(RaceJob(CELL, [Entry("gone", "no_such_engine")], 0.05, False, pin=True)))
    status, printed, _ = call("report", tmp_path)
    assert status == 0
    assert "gone was left out: the process of this cell ended with status 1: " in " ".join(printed.split())


@pytest.mark.usefixtures("few_passes")
def test_an_engine_is_raced_as_it_was_when_the_sweep_began(tmp_path, repository):
    path = engine_file(tmp_path / "mine.py", "pass")
    entries = resolve([str(path), str(path), "full_matrix@HEAD", "full_matrix"])
    path.unlink()
    record = race(RaceJob(CELL, entries, 0.05, False, pin=False))
    assert [one.name for one in record.contestants] == [str(path), f"{path}#2", "full_matrix@HEAD", "full_matrix"]
    assert [one.commit for one in record.contestants] == [None, None, repository.git("rev-parse", "HEAD"), None]
    assert record.failures == []
    assert record.environment.allocator == "default"


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


def test_what_a_sweep_begins_with_is_on_the_disk_before_its_first_cell(sweep_of, tmp_path, monkeypatch):
    synced, sync = [], outputs.sync_folder

    def note(folder):
        synced.append((folder.name, sorted(path.name for path in folder.iterdir() if path.name[0] != ".")))
        sync(folder)

    monkeypatch.setattr(outputs, "sync_folder", note)
    sweep_of()
    assert synced == [
        (tmp_path.name, ["grid.toml", "out"]),
        ("out", ["sweep.json"]),
        ("out", ["cells.jsonl", "sweep.json"]),
    ]


def test_a_folder_that_fills_up_at_once_is_told_and_not_left_behind(sweep_of, tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(outputs.os, "fsync", full)
    monkeypatch.setattr(outputs, "sync_folder", lambda folder: None)
    refused(sweep_of(), "sweep.json can't be written: No space left on device")
    assert not (tmp_path / "out").exists()


def test_a_cell_named_twice_is_raced_once(sweep_of, tmp_path, grid_file):
    grid_file.write_text('sizes = ["4-3-2", "04-3-2"]\nbatch = [1]\n')
    sweep_of()
    assert batches(tmp_path / "out") == [1]


def test_a_folder_with_something_else_in_it_is_refused(sweep_of, tmp_path):
    out = tmp_path / "out"
    refused(sweep_of("--resume"), "out holds no sweep to go on with: leave out --resume")
    assert not out.exists()
    out.mkdir()
    store.append(out, make_record())
    refused(sweep_of(), "out holds the records of another run: name another folder")
    (out / "cells.jsonl").rename(out / "cells.jsonl.gz")
    refused(sweep_of(), "out holds the records of another run: name another folder")
    refused(sweep_of(out=tmp_path / "grid.toml"), "grid.toml can't be written")
    sweep_of(out=tmp_path / "begun")
    before = (tmp_path / "begun" / "cells.jsonl").read_bytes()
    refused(sweep_of(out=tmp_path / "begun"), "begun holds a sweep: go on with it by --resume, or name another")
    assert (tmp_path / "begun" / "cells.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"{", "is not what a sweep has written"), (b'{"schema": 2}', "has schema 2"), (b'{"schema": 1}', "not what")],
)
def test_a_manifest_that_cannot_be_read_is_refused(sweep_of, tmp_path, content, message):
    sweep_of()
    (tmp_path / "out" / "sweep.json").write_bytes(content)
    refused(sweep_of("--resume"), "sweep.json", message)


def test_a_broken_line_among_the_records_is_refused_by_its_number(sweep_of, tmp_path):
    sweep_of()
    path = tmp_path / "out" / "cells.jsonl"
    path.write_bytes(b"{}\n" + path.read_bytes())
    refused(sweep_of("--resume"), "cells.jsonl, line 1, is not a record")


@pytest.mark.parametrize(
    ("options", "engines", "difference"),
    [
        ((), "per_sample", "with engines per_sample,full_matrix, now per_sample: go on with what it was begun with"),
        (("--seconds", 2), "per_sample,full_matrix", "with seconds 3.5, now 2:"),
        (("--no-floor",), "per_sample,full_matrix", "with floor raced, now not raced:"),
        (("--allocator", "default"), "per_sample,full_matrix", "with allocator pinned, now default:"),
        (("--grid", "smoke"), "per_sample,full_matrix", "cells 4, now 4 more, such as 784-10-10-b1-float64-t1; with "),
        (("--grid", "smoke"), "per_sample,full_matrix", "cells 4, now 4 fewer, such as 4-3-2-b1-float64-t1"),
    ],
)
def test_what_differs_from_the_sweep_that_was_begun_is_named(sweep_of, tmp_path, options, engines, difference):
    sweep_of()
    refused(sweep_of("--resume", *options, engines=engines), "out was begun with ", difference)
    assert batches(tmp_path / "out") == [1, 2, 3, 4]


def test_other_code_or_another_machine_is_named(sweep_of, tmp_path, monkeypatch):
    mine = engine_file(tmp_path / "mine.py", "pass")
    sweep_of(engines=str(mine))
    engine_file(mine, "pass  # changed")
    refused(sweep_of("--resume", engines=str(mine)), f"with engines {mine} (", f"now {mine} (")
    engine_file(mine, "pass")
    begun = json.loads((tmp_path / "out" / "sweep.json").read_text())
    for change, difference in [
        ({"software": {**begun["software"], "code": "0" * 16}}, "code of the package backprop of digest 0000"),
        ({"software": {**begun["software"], "python": "CPython 3.1"}}, "Python CPython 3.1, now CPython 3."),
        ({"software": {**begun["software"], "packages": {"jax": "1"}}}, "jax 1, now "),
        ({"machine": {**begun["machine"], "cores": 999}}, "999 cores (host "),
        ({"machine": {**begun["machine"], "cores": 9, "quota": 0.5}}, "9 cores, the time of 0.5 CPU (host "),
        ({"machine": {**begun["machine"], "host": "fedcba"}}, "(host fedcba), now "),
        ({"machine": None}, "machine those of a cluster, now "),
    ]:
        (tmp_path / "out" / "sweep.json").write_text(json.dumps(begun | change))
        refused(sweep_of("--resume", engines=str(mine)), difference)
    (tmp_path / "out" / "sweep.json").write_text(json.dumps(begun))
    assert sweep_of("--resume", engines=str(mine))[0] == 0


@pytest.mark.parametrize(
    ("more", "engines", "message"),
    [
        ((), "per_sampel", "unknown engine 'per_sampel': did you mean per_sample?"),
        ((), "missing.py", "engine file missing.py does not exist"),
        ((), "", "unknown engine ''"),
        (("--seconds", 0), "per_sample", "must be a positive number"),
        (("--grid", "smoek"), "per_sample", "unknown grid 'smoek'"),
        (("--max-hours", 0.001), "per_sample", "4 cells with 1 engines would take about 0.0 hours"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_is_written(sweep_of, tmp_path, more, engines, message):
    refused(sweep_of(*more, engines=engines), message)
    assert not (tmp_path / "out").exists()


def test_a_grid_that_takes_too_long_is_refused_with_the_estimate_and_what_to_do(sweep_of, tmp_path, grid_file):
    sizes = [f"784-{width}-10" for width in range(1, 51)]
    grid_file.write_text(f"sizes = {json.dumps(sizes)}\nbatch = {list(range(1, 101))}\n")
    words = ("5000 cells", "about 7.2 hours", "more than the 5 of --max-hours", "--seconds", "--max-hours 8")
    refused(sweep_of("--max-hours", 5), *words)
    assert not (tmp_path / "out").exists()


def test_what_is_missing_counts_for_the_hours_and_machines_share_them():
    whole = sweep_run.plan(
        [Cell((4, 3, 2), batch) for batch in range(1, 1001)],
        [],
        seconds=9.0,
        floor=False,
        allocator="pinned",
        software=machine.software(),
        machine=None,
    )
    assert sweep_run.expected_seconds(1000, whole, 1) == 10_000
    assert sweep_run.expected_seconds(1000, whole, 4) == 2_500
    assert sweep_run.expected_seconds(3, whole, 4) == 10
    sweep_run.check_hours(360, whole, 1, max_hours=1.0)


def test_a_folder_in_use_is_refused(sweep_of, tmp_path):
    sweep_of()
    with FileLock(tmp_path / "out" / outputs.LOCK):
        refused(sweep_of("--resume"), "out is in use by another sweep")
    assert sweep_of("--resume")[0] == 0


def test_a_full_disk_leaves_whole_records_and_says_how_to_go_on(sweep_of, tmp_path, monkeypatch):
    def fill_up(job):
        if job.cell.batch == 3:
            monkeypatch.setattr(store.os, "fsync", full)
        return fake_race(job)

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

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


def test_the_bar_shows_cells_done_and_the_cell_at_work(tmp_path, monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(file=screen, force_terminal=True, width=80))
    with progress.SweepBar(tmp_path) as bar:
        bar.begin(3, 24)
        bar.at_work([Cell((784, 1000, 1000, 10), 1000, "float32", 2)], 3725.0)
        assert "21/24 784-1000-1000-10-b1000-float32-t2" in screen.getvalue()
        assert "1:02:05" in screen.getvalue()
        bar.done(make_record(failed="crashed"), 60.0)
        assert "22/24 784-30-10-b10-float64-t1  full_matrix " in screen.getvalue()
        assert "wrong FAILED" in screen.getvalue()


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
