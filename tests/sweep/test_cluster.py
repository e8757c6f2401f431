"""A sweep on Dask workers, real processes: one is killed in the middle, others do not fit, and none is missed."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import msgspec
import pytest
from repository import ROOT

from backprop import InputError
from bench.cells import grids
from bench.cells.cell import Cell
from bench.records import store
from bench.report import build
from bench.sweep import cluster
from bench.sweep.cluster import Cluster, Worker
from bench.terminal import progress
from bench.timing import machine

distributed = pytest.importorskip("distributed", reason="needs the extra cluster")

QUICK = ("--seconds", 0.05, "--no-floor")
FEW_PASSES = "from bench.timing import schedule\nschedule.PASSES = (2, 2)\n"  # each is a process
ALONE = ("--nworkers", "1", "--nthreads", "1", "--no-nanny", "--preload", "few_passes.py")


class Dask:
    """A scheduler, and workers of one process each."""

    def __init__(self, folder, allowed_failures=3):
        self.folder = folder
        self.processes = []
        self.settings = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(allowed_failures)}
        (folder / "few_passes.py").write_text(FEW_PASSES)
        file = folder / "scheduler.json"
        self.start("scheduler", "--port", "0", "--scheduler-file", file)
        end = time.monotonic() + 30
        while not file.exists() and time.monotonic() < end:
            time.sleep(0.05)
        self.address = json.loads(file.read_text())["address"]

    def workers(self, count, *options, code=ROOT):
        """Start workers with this code of backprop and bench; they are returned once the scheduler knows them."""
        started = [self.start("worker", self.address, *ALONE, *options, code=code) for _ in range(count)]
        with distributed.Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(len(self.processes) - 1, timeout=30)
        return started

    def start(self, command, *options, code=ROOT):
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", command, "--no-dashboard", *map(str, options)],
            cwd=self.folder,
            env={**os.environ, **self.settings, "PYTHONPATH": str(code)},
            stderr=(self.folder / "log").open("ab"),
        )
        self.processes.append(process)
        return process

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()


OFFER = ("--resources", "race=1")


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


@pytest.fixture
def sweep_of(call, tmp_path, monkeypatch):
    """Run the command on this scheduler, without a report, into the folder `out`."""
    monkeypatch.setattr(build, "build", lambda folder: iter(()))
    sizes = [f"{n}-3-2" for n in range(3, 9)]
    (tmp_path / "grid.toml").write_text(f"sizes = {json.dumps(sizes)}\nbatch = [2]\n")

    def run(address, *more, engines="full_matrix"):
        command = ("sweep", "--grid", tmp_path / "grid.toml", "--out", tmp_path / "out", "--dask", address, *QUICK)
        return call(*command, "--engines", engines, *more)

    return run


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


def engine_file(path, in_init):
    path.write_text(
        "import os, signal\nfrom backprop.engines.full_matrix import FullMatrix\n"
        "class Mine(FullMatrix):\n    def __init__(self, network):\n        super().__init__(network)\n"
        f"        {in_init}\n"
    )
    return path


def test_a_worker_is_killed_in_the_middle_and_no_cell_is_missed_or_raced_twice(sweep_of, dask, tmp_path, monkeypatch):
    running = dask()
    first, _ = running.workers(2, *OFFER)
    log = tmp_path / "log.txt"
    log.touch()
    mine = engine_file(tmp_path / "mine.py", f"open({str(log)!r}, 'a').write(f'{{os.getppid()}} {{network.sizes}}\\n')")
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
    status, printed, err = sweep_of(running.address, engines=str(mine))
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
    assert sweep_of(running.address, "--resume", engines=str(mine))[0] == 0
    assert cells(tmp_path / "out") == whole(tmp_path)


def test_a_cell_that_kills_its_workers_is_recorded_and_the_others_are_raced(sweep_of, dask, tmp_path):
    running = dask(allowed_failures=0)
    running.workers(2, *OFFER)
    mine = engine_file(tmp_path / "mine.py", "network.sizes[0] != 5 or os.kill(os.getppid(), signal.SIGKILL)")
    status, *_ = sweep_of(running.address, engines=f"full_matrix,{mine}")
    assert status == 1
    assert cells(tmp_path / "out") == whole(tmp_path)
    (failed,) = [record for record in store.load(tmp_path / "out")[0] if record.failures]
    assert failed.cell.sizes == (5, 3, 2)
    assert failed.contestants[0].left_out.startswith("every worker that raced this cell died, the last at tcp://")
    assert failed.environment.cpu


def test_without_any_worker_it_waits_for_one_and_says_so(sweep_of, dask, tmp_path, monkeypatch):
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
    status, printed, _ = sweep_of(running.address)
    assert status == 0
    assert printed.splitlines()[1] == "1/6 waiting for a worker"
    assert cells(tmp_path / "out") == whole(tmp_path)


def test_a_scheduler_that_dies_ends_the_sweep_in_a_line(sweep_of, dask, tmp_path, monkeypatch):
    running = dask()
    running.workers(1, *OFFER)
    append = store.append

    def kill_after_the_first(folder, record):
        append(folder, record)
        running.processes[0].kill()

    monkeypatch.setattr(store, "append", kill_after_the_first)
    refused(sweep_of(running.address), f"the scheduler {running.address} is gone: start it again, then --resume")
    assert 1 <= len(cells(tmp_path / "out")) < 6


def test_workers_that_do_not_fit_are_named_and_refused(sweep_of, dask, tmp_path, monkeypatch):
    running = dask()
    refused(sweep_of(running.address), "no worker of the cluster offers a race", "dask worker ADDRESS", "race=1")
    running.workers(1)
    refused(sweep_of(running.address), "no worker of the cluster offers a race")
    (tmp_path / "grid.toml").write_text('sizes = ["4-3-2"]\nbatch = [1]\nthreads = [512]\n')
    running.workers(1, *OFFER)
    refused(sweep_of(running.address), "worker tcp://", "cores, too few for 4-3-2-b1-float64-t512")
    (tmp_path / "grid.toml").write_text('sizes = ["3-3-2", "4-3-2", "5-3-2"]\nbatch = [1, 2]\n')
    refused(
        sweep_of(running.address, engines="full_matrix@HEAD"), "with --dask, an engine can't be named at a revision"
    )
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
    refused(sweep_of(running.address), *words)
    recorded = cells(tmp_path / "out")
    assert 1 <= len(recorded) < 6
    refused(sweep_of(running.address, "--resume"), *words[:3])  # before anything is raced
    assert cells(tmp_path / "out") == recorded


class Told:
    """Stands in for a client whose one worker gives this answer."""

    scheduler = SimpleNamespace(address="tcp://here:0")

    def __init__(self, answer):
        self.answer = answer

    def scheduler_info(self, n_workers):
        return {"workers": {"tcp://here:1": {"resources": {"race": 1.0}}}}

    def run(self, function, workers, on_error):
        return {"tcp://here:1": self.answer}


def test_each_version_that_differs_is_named_with_both():
    software = machine.software()
    for change, words in [
        ({"python": "CPython 3.1.0"}, f"has Python CPython 3.1.0, and here it is {software.python}"),
        ({"packages": {**software.packages, "numpy": "1.0"}}, "has numpy 1.0, and here it is 2."),
        ({"packages": {**software.packages, "backprop-bench": "9"}}, "has backprop-bench 9, and here it is 0."),
        ({"code": "0" * 16}, f"of digest {'0' * 16}, and here it is of digest {software.code}"),
    ]:
        worker = Worker(msgspec.structs.replace(software, **change), 2, machine.environment())
        with pytest.raises(InputError, match=r"^worker tcp://here:1 has ") as error:
            Cluster(Told(msgspec.json.encode(worker)), software).check([Cell((4, 3, 2), 1)])
        assert words in str(error.value)


def test_a_worker_without_the_package_is_named():
    answer = ModuleNotFoundError("No module named 'bench'")
    with pytest.raises(InputError, match=r"worker tcp://here:1 can't run backprop-bench: .*No module named 'bench'"):
        Cluster(Told(answer), machine.software()).check([])


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense", "", "tcp://no.such.host.invalid:8786"])
def test_a_scheduler_that_cannot_be_reached_is_told_in_a_line(sweep_of, tmp_path, monkeypatch, address):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    refused(sweep_of(address), f"no Dask scheduler can be reached at {address}".strip(), "dask scheduler")
    assert not (tmp_path / "out").exists()


def test_a_stranger_who_says_nothing_is_no_scheduler(sweep_of, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        refused(sweep_of(address), f"no Dask scheduler can be reached at {address}")


def test_without_the_extra_it_says_what_to_install(sweep_of, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    refused(sweep_of("tcp://127.0.0.1:1"), "pip install 'backprop-bench[cluster]'")
