"""The processes of the gate's passes: what they answer, how they end, and that none is left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from judging import CELLS, FULL

from bench.cells import engine_code, temporary_folder
from bench.cells.entry import Entry
from bench.gate.one_pass import ARMS, GateJob, Lap, in_own_process
from bench.timing import process
from bench.timing.process import ProcessError


def job(repository, laps=CELLS[:1], **lap):
    code = engine_code.of_file(repository.engine("full_matrix"), "full_matrix")
    arms = {arm: Entry("full_matrix", "full_matrix", code=code).laid(arm) for arm in ARMS}
    return GateJob("full_matrix", arms, [Lap(cell, 0.01, **lap) for cell in laps], pin=True)


def test_a_pass_in_a_process_of_its_own(repository):
    repository.edit(FULL, "        m = len(x)\n", "        print('noise')\n        m = len(x)\n")
    (checked,) = in_own_process(job(repository), 60)
    assert set(checked.seconds) == {"change", "base", "twin"}
    assert len({len(rounds) for rounds in checked.seconds.values()}) == 1
    assert checked.steps >= 1
    (timed,) = in_own_process(job(repository, steps=3), 60)
    assert timed.steps == 3


@pytest.mark.parametrize(
    ("line", "message", "timed_out"),
    [
        ("import os; os.abort()", "was killed by SIGABRT", False),
        ("import os; os._exit(0)", "ended with status 0", False),
        ("while True: pass", "ran for more than 2 s", True),
    ],
)
def test_a_process_that_gives_no_answer_is_told(repository, line, message, timed_out):
    repository.edit(FULL, "        m = len(x)\n", f"        {line}\n        m = len(x)\n")
    with pytest.raises(ProcessError, match=message) as failure:
        in_own_process(job(repository), 2.0 if timed_out else 60.0)
    assert failure.value.timed_out == timed_out


def test_an_interrupt_before_a_pass_is_under_way_waits_for_nothing(repository, monkeypatch):
    class Interrupted(threading.Timer):
        def start(self):
            super().start()
            raise KeyboardInterrupt

    monkeypatch.setattr(process, "Timer", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        in_own_process(job(repository), 600)
    timers = [thread for thread in threading.enumerate() if isinstance(thread, Interrupted)]
    for timer in timers:
        timer.join(10)
    assert not any(timer.is_alive() for timer in timers)


def processes_of(folder):
    """The processes, but for this one, that have this folder as their current one."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # gone, or not ours
            if (entry / "cwd").readlink() == folder and int(entry.name) != os.getpid():
                found.append(entry.name)
    return found


def left_in(place):
    """What lies in a temporary folder, but for the locks of cores, empty files that stay for the next race."""
    return [path for path in place.iterdir() if not path.name.startswith("backprop-bench-cores-")]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="looks for processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_killed_in_the_middle_it_leaves_nothing(repository, tmp_path, how):
    place = tmp_path / "place"
    place.mkdir()
    environment = {**os.environ, "TMPDIR": str(place), "PYTHONPATH": str(repository.folder)}
    (tmp_path / "small.toml").write_text('sizes = ["6-4-3"]\nbatch = [2, 5]\n')
    command = [sys.executable, "-m", "bench", "gate", "--against", "HEAD", "--all", "--json", str(tmp_path / "x.json")]
    command += ["--grid", str(tmp_path / "small.toml")]
    gate_process = subprocess.Popen(
        command, cwd=repository.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    gate_process.stdout.readline()  # the first passes
    gate_process.send_signal(how)
    _, errors = gate_process.communicate(timeout=20)
    end = time.monotonic() + 10
    while processes_of(repository.folder) and time.monotonic() < end:
        time.sleep(0.05)
    assert processes_of(repository.folder) == []
    assert not (tmp_path / "x.json").exists()
    if how == signal.SIGINT:
        assert gate_process.returncode == 130
        assert errors == b"backprop-bench: interrupted\n"
        assert left_in(place) == []
    subprocess.run(
        [sys.executable, "-c", "from bench.cells import temporary_folder; temporary_folder.scratch()"],
        cwd=repository.folder, env=environment, check=True,
    )  # fmt: skip
    assert left_in(place) == []
    after = repository.git("status", "--porcelain").splitlines()
    assert [line for line in after if "__pycache__" not in line] == []
    assert temporary_folder.scratch().exists()
