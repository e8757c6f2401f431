"""What a sweep races: each cell in a process of its own, whatever becomes of it, and how long that may take."""

import json

import pytest
from repository import ROOT
from sweeps import CELL, QUICK, batches, engine_that, refused

from backprop import InputError
from bench.cells import grids
from bench.cells.cell import Cell
from bench.cells.entry import Entry, resolve
from bench.claims import ways
from bench.records import store
from bench.report import build
from bench.sweep import run as sweep_run
from bench.timing import race as race_module
from bench.timing.one_pass import RaceJob
from bench.timing.race import race

PUBLISHED = ROOT / "results" / "published"


@pytest.mark.usefixtures("undrawn")
def test_every_cell_is_raced_in_a_process_of_its_own_and_reported(call, tmp_path, grid_file):
    mine = engine_that(tmp_path / "mine.py", "print('an engine may talk')")
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
    assert begun["schema"] == 2
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
    mine = engine_that(tmp_path / "mine.py", f"x.shape[1] == 4 or {last_act}")
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
    entries = resolve([str(engine_that(tmp_path / "hangs.py", "time.sleep(60)"))])
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
    path = engine_that(tmp_path / "mine.py", "pass")
    entries = resolve([str(path), str(path), "full_matrix@HEAD", "full_matrix"])
    path.unlink()
    record = race(RaceJob(CELL, entries, 0.05, False, pin=False))
    assert [one.name for one in record.contestants] == [str(path), f"{path}#2", "full_matrix@HEAD", "full_matrix"]
    assert [one.commit for one in record.contestants] == [None, None, repository.git("rev-parse", "HEAD"), None]
    assert record.failures == []
    assert record.environment.allocator == "default"


def test_a_cell_named_twice_is_raced_once(sweep_of, tmp_path, grid_file):
    grid_file.write_text('sizes = ["4-3-2", "04-3-2"]\nbatch = [1]\n')
    sweep_of()
    assert batches(tmp_path / "out") == [1]


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
    words = ("5000 cells", "about 8.9 hours", "more than the 5 of --max-hours", "--seconds", "--max-hours 9")
    refused(sweep_of("--max-hours", 5), *words)
    assert not (tmp_path / "out").exists()


class Hands(sweep_run.Crew):
    """A crew of so many machines."""

    hands = 1

    def __init__(self, hands):
        self.hands = hands


def test_what_is_missing_counts_for_the_hours_and_machines_share_them():
    cells = [Cell((4, 3, 2), batch) for batch in range(1, 1001)]
    jobs = [RaceJob(cell, [], 10.0, floor=False, pin=True) for cell in cells]
    assert sweep_run.expected_seconds(jobs, Hands(1)) == 10_000
    assert sweep_run.expected_seconds(jobs, Hands(4)) == 2_500
    assert sweep_run.expected_seconds(jobs[:3], Hands(4)) == 10
    sweep_run.check_hours(cells[:360], jobs, Hands(1), max_hours=1.0)
    with pytest.raises(InputError, match="361 cells"):
        sweep_run.check_hours(cells[:361], jobs, Hands(1), max_hours=1.0)


@pytest.mark.parametrize(
    ("folder", "packages"),
    [
        ("default", ["numba"]),
        ("model", ["numba"]),
        ("holdout", ["numba"]),
        ("shapes", ["numba", "torch", "jax", "autograd"]),
        ("libraries", ["torch", "jax"]),
        ("claims", ["numba", "torch", "jax"]),
    ],
)
def test_what_was_published_took_about_the_time_that_is_expected_of_it(folder, packages):
    for package in packages:
        pytest.importorskip(package)
    found = [one for one in store.load(PUBLISHED / folder)[0] if one.cell.data == "random" and not of_ways(one)]
    jobs = [
        RaceJob(
            one.cell,
            [Entry(each.name, each.name.partition("#")[0]) for each in (*one.contestants, *one.elsewhere)],
            one.seconds,
            one.floor_asked,
            pin=True,
        )
        for one in found
    ]
    taken = sum(one.elapsed_seconds for one in found)
    assert 0.8 < taken / sweep_run.expected_seconds(jobs, sweep_run.Crew()) < 1.25


def of_ways(record):
    """Whether it is of ways to make a product, which are no engines."""
    return record.contestants[:1] and record.contestants[0].name in ways.WAYS
