"""Work in a process of its own ends with all that it has started, whatever that is and however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from repository import ROOT

from bench.cells.cell import Cell
from bench.cells.entry import resolve
from bench.timing.one_pass import PassJob, RaceJob, in_own_process
from bench.timing.process import ProcessError

CELL = Cell((4, 3, 2), 2)

FORKS = """
import os, signal, time
from backprop.engines.full_matrix import FullMatrix

class Forks(FullMatrix):
    children = []

    def __init__(self, network):
        super().__init__(network)
        if not self.children:
            self.children.append(os.fork())
            if not self.children[0]:
                {child}
            open({log!r}, "a").write(f"{{self.children[0]}}\\n")
        {parent}
"""


@pytest.fixture
def forking(tmp_path):
    """An engine file that forks once in a process, and a function that gives the children which are still there."""
    log = tmp_path / "children"

    def make(child="time.sleep(600)", parent="pass"):
        log.write_text("")
        (tmp_path / "forks.py").write_text(FORKS.format(child=child, parent=parent, log=str(log)))
        return tmp_path / "forks.py"

    make.children = lambda: [int(line) for line in log.read_text().split()]
    return make


def alive(pid):
    """Whether the process goes on; one that has ended and that nobody has asked after does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def all_end(pids, seconds=10):
    end = time.monotonic() + seconds
    while any(map(alive, pids)) and time.monotonic() < end:
        time.sleep(0.02)
    return pids and not any(map(alive, pids))


def one_pass(path, timeout=60.0):
    entries = [one.laid() for one in resolve([str(path)])]
    job = PassJob(RaceJob(CELL, entries, 1.0, floor=False, pin=False), 0.02, seed=0)
    return in_own_process(job, timeout).found[0]


needs_proc = pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="looks for processes in /proc")


@needs_proc
@pytest.mark.parametrize("child", ["time.sleep(600)", "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"])
def test_what_an_engine_has_forked_ends_with_its_cell(forking, child):
    found = one_pass(forking(child))
    assert found.seconds
    assert not found.failed
    assert all_end(forking.children(), seconds=2)


@needs_proc
def test_the_time_limit_ends_an_engine_with_its_children(forking):
    with pytest.raises(ProcessError, match="ran for more than 2 s") as error:
        one_pass(forking(parent="time.sleep(600)"), timeout=2.0)
    assert error.value.timed_out
    assert all_end(forking.children(), seconds=2)


@needs_proc
def test_a_crash_ends_what_the_engine_had_started(forking):
    with pytest.raises(ProcessError, match="was killed by SIGSEGV"):
        one_pass(forking(parent="os.kill(os.getpid(), signal.SIGSEGV)"))
    assert all_end(forking.children(), seconds=2)


def test_a_fork_that_comes_back_does_not_answer_as_well(forking):
    """What the copy finds is as good, but two answers are none."""
    assert not one_pass(forking(child="pass")).failed


@needs_proc
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_sweep_that_is_ended_ends_what_its_engines_have_started(forking, tmp_path, how):
    path = forking()
    path.write_text("import elsewhere\n" + path.read_text())  # as a path relative to the current folder has it
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "elsewhere.py").write_text("")
    (tmp_path / "grid.toml").write_text('sizes = ["4-3-2"]\nbatch = [1]\n')
    command = ["sweep", "--grid", "grid.toml", "--engines", str(path), "--out", "out", "--seconds", "60"]
    sweep = subprocess.Popen(
        [sys.executable, "-m", "bench", *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"lib{os.pathsep}{ROOT}"},
        start_new_session=True,
        stderr=subprocess.PIPE,
    )
    end = time.monotonic() + 60
    while not forking.children() and time.monotonic() < end:
        time.sleep(0.05)
    os.killpg(sweep.pid, how)
    sweep.communicate(timeout=20)
    assert sweep.returncode == (130 if how == signal.SIGINT else -how)
    assert all_end(forking.children())


def test_where_the_platform_has_no_process_groups_the_process_itself_is_ended(forking, monkeypatch):
    monkeypatch.delattr(os, "killpg")
    path = forking(child="os._exit(0)", parent="os.kill(os.getpid(), signal.SIGABRT)")
    with pytest.raises(ProcessError, match="was killed by SIGABRT"):
        one_pass(path)
