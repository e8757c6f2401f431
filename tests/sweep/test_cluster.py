"""A sweep on Dask workers, real processes: one is killed in the middle, others do not fit, and none is missed."""

import json
import shutil
import time

import pytest
from dask_cluster import ALONE, OFFER, Dask
from repository import ROOT
from stand_ins import engine_file

from bench.cells import grids
from bench.records import store
from bench.sweep import cluster
from bench.terminal import progress

pytest.importorskip("distributed", reason="needs the extra cluster")


@pytest.fixture
def dask(tmp_path):
    """Start a scheduler; it ends with the test, and its workers with it."""
    started = []

    def start(**options):
        started.append(Dask(tmp_path, **options))
        return started[-1]

    yield start
    for each in started:
        each.stop()


def cells(folder):
    return sorted(record.cell.id for record in store.load(folder)[0])


def whole(folder):
    return sorted(cell.id for cell in grids.cells_of(str(folder / "grid.toml")))


def refused(told, *words):
    """Whether the command line ended with status 2 and one line that holds these words, warnings aside."""
    status, _, err = told
    assert status == 2, told
    (line,) = [line for line in err.splitlines() if not line.startswith("backprop-bench: warning: ")]
    for word in words:
        assert word in line


def engine_that(path, in_init):
    """A file with an engine that does this, too, when it is made; returns its path."""
    return engine_file(
        path,
        "    def __init__(self, network):\n        import os, signal\n"
        f"        super().__init__(network)\n        {in_init}\n",
    )


def test_a_worker_is_killed_in_the_middle_and_no_cell_is_missed_or_raced_twice(sweep_on, dask, tmp_path, monkeypatch):
    running = dask()
    first, _ = running.workers(2, *OFFER)
    log = tmp_path / "log.txt"
    log.touch()
    mine = engine_that(tmp_path / "mine.py", f"open({str(log)!r}, 'a').write(f'{{os.getppid()}} {{network.sizes}}\\n')")
    append = store.append

    def kill_after_the_second(folder, record):
        append(folder, record)
        if len(cells(folder)) == 2:
            end = time.monotonic() + 20
            while not raced_by(first.pid) - set(done(folder)) and time.monotonic() < end:
                time.sleep(0.02)
            first.kill()

    def raced_by(worker):
        words = [line.split(" ", 1) for line in log.read_text().splitlines()]
        return {sizes for pid, sizes in words if int(pid) == worker}

    def done(folder):
        return [str(record.cell.sizes) for record in store.load(folder)[0]]

    monkeypatch.setattr(store, "append", kill_after_the_second)
    status, printed, err = sweep_on(running.address, engines=str(mine))
    assert status == 0, (printed, err)
    assert first.poll() is not None
    assert cells(tmp_path / "out") == whole(tmp_path)
    found, _ = store.load(tmp_path / "out")
    assert all(one.seconds and not one.failed for record in found for one in record.contestants)
    assert len({record.environment.host for record in found}) == 1
    begun = set(log.read_text().splitlines())
    assert len({line.split(" ", 1)[1] for line in begun}) == 6
    assert len(begun) > 6, "the cell that the killed worker had begun was begun again by the other"
    assert "are on one machine: their cells disturb each other's timings" in err
    assert json.loads((tmp_path / "out" / "sweep.json").read_text())["machine"] is None
    assert sweep_on(running.address, "--resume", engines=str(mine))[0] == 0
    assert cells(tmp_path / "out") == whole(tmp_path)


def test_a_cell_that_kills_its_workers_is_recorded_and_the_others_are_raced(sweep_on, dask, tmp_path):
    running = dask(allowed_failures=0)
    running.workers(2, *OFFER)
    mine = engine_that(tmp_path / "mine.py", "network.sizes[0] != 5 or os.kill(os.getppid(), signal.SIGKILL)")
    status, *_ = sweep_on(running.address, engines=f"full_matrix,{mine}")
    assert status == 1
    assert cells(tmp_path / "out") == whole(tmp_path)
    (failed,) = [record for record in store.load(tmp_path / "out")[0] if record.failures]
    assert failed.cell.sizes == (5, 3, 2)
    assert failed.contestants[0].left_out.startswith("every worker that raced this cell died, the last at tcp://")
    assert failed.environment.cpu


def test_without_any_worker_it_waits_for_one_and_says_so(sweep_on, dask, tmp_path, monkeypatch):
    running = dask()
    (worker,) = running.workers(1, *OFFER)
    append, at_work = store.append, progress.SweepBar.at_work

    def kill_after_the_first(folder, record):
        append(folder, record)
        worker.kill()

    def start_when_waiting(bar, cells, left):
        at_work(bar, cells, left)
        if not cells:
            running.start("worker", running.address, *ALONE, *OFFER)

    monkeypatch.setattr(cluster, "LOOK_AROUND_SECONDS", 0.2)
    monkeypatch.setattr(store, "append", kill_after_the_first)
    monkeypatch.setattr(progress.SweepBar, "at_work", start_when_waiting)
    status, printed, _ = sweep_on(running.address)
    assert status == 0
    assert printed.splitlines()[1] == "1/6 waiting for a worker"
    assert cells(tmp_path / "out") == whole(tmp_path)


def test_a_scheduler_that_dies_ends_the_sweep_in_a_line(sweep_on, dask, tmp_path, monkeypatch):
    running = dask()
    running.workers(1, *OFFER)
    append = store.append

    def kill_after_the_first(folder, record):
        append(folder, record)
        running.processes[0].kill()

    monkeypatch.setattr(store, "append", kill_after_the_first)
    refused(sweep_on(running.address), f"the scheduler {running.address} is gone: start it again, then --resume")
    assert 1 <= len(cells(tmp_path / "out")) < 6


def test_workers_that_do_not_fit_are_named_and_refused(sweep_on, dask, tmp_path, monkeypatch):
    running = dask()
    refused(sweep_on(running.address), "no worker of the cluster offers a race", "dask worker ADDRESS", "race=1")
    running.workers(1)
    refused(sweep_on(running.address), "no worker of the cluster offers a race")
    (tmp_path / "grid.toml").write_text('sizes = ["4-3-2"]\nbatch = [1]\nthreads = [512]\n')
    running.workers(1, *OFFER)
    refused(sweep_on(running.address), "worker tcp://", "cores, too few for 4-3-2-b1-float64-t512")
    (tmp_path / "grid.toml").write_text('sizes = ["3-3-2", "4-3-2", "5-3-2"]\nbatch = [1, 2]\n')
    assert not (tmp_path / "out").exists()

    other = tmp_path / "other"  # joins later, with other code
    for package in ("backprop", "bench"):
        shutil.copytree(ROOT / package, other / package, ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "backprop" / "network.py").open("a") as file:
        file.write("# another version\n")
    append = store.append

    def join(folder, record):
        append(folder, record)
        if len(cells(folder)) == 1:
            running.workers(1, *OFFER, code=other)

    monkeypatch.setattr(store, "append", join)
    words = ("worker tcp://", "has code of the package backprop of digest", "and here it is", "--resume")
    refused(sweep_on(running.address), *words)
    recorded = cells(tmp_path / "out")
    assert 1 <= len(recorded) < 6
    refused(sweep_on(running.address, "--resume"), *words[:3])  # before anything is raced
    assert cells(tmp_path / "out") == recorded
