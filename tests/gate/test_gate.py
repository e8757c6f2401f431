"""The gate from end to end on small repositories: who is raced, what is told, when it stops, what it leaves."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from backprop import InputError
from bench.cells import temporary_folder
from bench.cells.cell import Cell
from bench.gate import one_pass, touched
from bench.gate import run as gate_module
from bench.gate.one_pass import GateJob, Lap, Rounds, in_own_process
from bench.gate.run import gate, parse_share
from bench.gate.track import pass_ratios
from bench.timing import process
from bench.timing.process import ProcessError

CELLS = [Cell((6, 4, 3), 2), Cell((6, 4, 3), 5)]
FULL, LOOP = "backprop/engines/full_matrix.py", "backprop/engines/per_sample.py"


class Machine:
    """Answers for the processes of passes: made-up slices, and a clock that the passes advance.

    slower holds the true slowdown of an engine, or of an (engine, cell); noise is the spread of a pass.
    """

    def __init__(self, slower=None, noise=0.005, seconds=1.0):
        self.slower, self.noise, self.seconds = slower or {}, noise, seconds
        self.rng = np.random.default_rng(5)
        self.now = 0.0
        self.jobs = []

    def clock(self):
        return self.now

    def __call__(self, job, timeout):
        self.jobs.append(job)
        self.now += self.seconds
        return [self.rounds(job.engine, lap.cell) for lap in job.laps]

    def rounds(self, engine, cell):
        true = {"change": 1 + self.slower.get((engine, cell), self.slower.get(engine, 0.0)), "base": 1.0, "twin": 1.0}
        once = np.exp(self.noise * self.rng.standard_normal(3))
        seconds = {arm: [1e-4 * true[arm] * shift] * 3 for arm, shift in zip(true, once, strict=True)}
        return Rounds(2, seconds)


def judge(machine=None, cells=CELLS, budget=180.0, **options):
    """A run of the gate on this machine, or with real passes in this very process."""
    here = {"in_process": lambda job, timeout: one_pass.run_laps(job), "see": lambda job, timeout: touched.look(job)}
    options = here | options
    if machine:
        options |= {"in_process": machine, "clock": machine.clock}
    rng = np.random.default_rng(1)
    return gate("HEAD", cells, tolerance=0.02, budget=budget, pin=False, rng=rng, **options)


def verdicts(record):
    return {(found.engine, found.cell.batch): found.verdict for found in record.findings}


def standings(record):
    return {standing.engine: standing.state for standing in record.standings}


def test_where_nothing_changed_nothing_is_raced(repository):
    machine = Machine()
    record = judge(machine)
    assert standings(record) == {"full_matrix": "unchanged", "per_sample": "unchanged"}
    assert (machine.jobs, record.findings, record.red, record.open) == ([], [], False, False)
    assert record.commit == repository.git("rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("path", "raced"),
    [
        (FULL, {"full_matrix"}),
        (LOOP, {"per_sample"}),
        ("backprop/network.py", {"full_matrix", "per_sample"}),
        ("backprop/check/__init__.py", set()),
        ("bench/timing/race.py", set()),
        ("README.md", set()),
    ],
)
def test_only_engines_whose_code_differs_are_raced(repository, path, raced):
    (repository.folder / "README.md").write_text("")
    repository.commit()
    repository.change(path)
    record = judge(Machine())
    assert {found.engine for found in record.findings} == raced


@pytest.mark.parametrize("crowded", [False, True])
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes can't choose their cores here")
def test_every_pass_is_on_the_cores_that_the_gate_has_taken(repository, temporary, monkeypatch, crowded):
    monkeypatch.setattr("backprop.cores._locked", lambda *_: not crowded)
    record = judge(machine := Machine(), everything=True)
    assert record.environment.cores_shared == crowded
    assert len(record.environment.core_numbers) == 1
    assert {tuple(job.core_numbers) for job in machine.jobs} == {tuple(record.environment.core_numbers)}


def test_other_dependencies_or_all_race_every_engine(repository):
    both = {"full_matrix", "per_sample"}
    assert {found.engine for found in judge(Machine(), everything=True).findings} == both
    repository.edit("pyproject.toml", '"numpy>=', '"numpy!=2.1,>=')
    assert {found.engine for found in judge(Machine()).findings} == both
    assert {found.engine for found in judge(Machine(), engines=["per_sample"]).findings} == {"per_sample"}


def test_a_module_that_an_engine_imports_only_at_work_counts_as_its_code(repository):
    repository.edit(FULL, "        m = len(x)\n", "        from .. import late\n\n        m = len(x)\n")
    (repository.folder / "backprop" / "late.py").write_text("")
    repository.commit()
    repository.change("backprop/late.py")
    assert {found.engine for found in judge(Machine()).findings} == {"full_matrix"}


def test_a_slowdown_is_told_of_its_engine_and_its_cells_alone(repository):
    record = judge(Machine({("full_matrix", CELLS[1]): 0.10}), everything=True)
    assert verdicts(record) == {
        ("full_matrix", 2): "unchanged",
        ("full_matrix", 5): "regressed",
        ("per_sample", 2): "unchanged",
        ("per_sample", 5): "unchanged",
    }
    assert record.red


def test_a_gain_is_told_and_is_not_red(repository):
    record = judge(Machine({"full_matrix": -0.2}), everything=True)
    assert verdicts(record)["full_matrix", 2] == "improved"
    assert not record.red
    assert not record.open


def test_passes_go_on_only_where_the_verdict_is_open(repository):
    machine = Machine({("full_matrix", CELLS[0]): 0.02})  # at the tolerance itself: for ever open
    record = judge(machine, everything=True)
    passes = {(found.engine, found.cell.batch): len(found.seconds["base"]) for found in record.findings}
    assert passes.pop(("full_matrix", 2)) > 100
    assert set(passes.values()) == {12}
    assert record.open
    assert record.elapsed_seconds <= 180
    assert machine.jobs[-1].laps[0].cell == CELLS[0]


def test_engines_and_cells_come_in_random_order(repository):
    machine = Machine({"full_matrix": 0.02, "per_sample": 0.02})
    judge(machine, everything=True, budget=100)
    assert {tuple(lap.cell.batch for lap in job.laps) for job in machine.jobs} >= {(2, 5), (5, 2)}
    first = [a.engine for a, b in zip(machine.jobs[2::2], machine.jobs[3::2], strict=False) if a.engine != b.engine]
    assert set(first) == {"full_matrix", "per_sample"}


def test_the_time_is_never_overdrawn(repository):
    for budget in (1.5, 7, 30):
        machine = Machine({"full_matrix": 0.02}, seconds=1.0)
        record = judge(machine, everything=True, budget=budget)
        assert machine.now <= max(budget, 2)  # the checks of two engines come first
        assert record.open
        assert all(found.why for found in record.findings if found.verdict == "inconclusive")


def test_two_passes_that_differ_are_inconclusive_and_say_so(repository):
    machine = Machine(noise=0.6)
    record = judge(machine, engines=["full_matrix"], everything=True, budget=3.5)
    assert {found.verdict for found in record.findings} == {"inconclusive"}
    assert {found.why for found in record.findings} == {"time for 2 of the 5 passes that a look needs"}
    assert record.open


def test_a_cell_too_slow_for_the_time_that_is_left_does_not_hold_up_the_others(repository):
    class Slow(Machine):
        def rounds(self, engine, cell):
            found = super().rounds(engine, cell)
            if cell == CELLS[1]:
                found = Rounds(1, {arm: [1e4 * taken for taken in rounds] for arm, rounds in found.seconds.items()})
            return found

    record = judge(Slow(), everything=True, engines=["full_matrix"], budget=60)
    assert verdicts(record) == {("full_matrix", 2): "unchanged", ("full_matrix", 5): "inconclusive"}
    assert [found.why for found in record.findings] == [None, "no time for a pass"]


def test_a_new_engine_and_a_removed_one_are_named(repository):
    repository.engine("mine").write_text(repository.engine("full_matrix").read_text())
    repository.engine("per_sample").unlink()
    record = judge(Machine())
    assert standings(record) == {"full_matrix": "unchanged", "mine": "new", "per_sample": "removed"}
    assert not record.red


def test_an_engine_made_wrong_is_not_timed_and_the_others_are(repository):
    repository.edit(FULL, "eta * grad_b", "2 * eta * grad_b")
    repository.change(LOOP)
    record = judge(budget=1.0)
    assert standings(record) == {"full_matrix": "wrong"}
    assert "the gradient of biases[1] is off by" in record.standings[0].why
    assert {found.engine for found in record.findings} == {"per_sample"}
    assert record.red


@pytest.mark.parametrize("broken", ["class FullMatrix(", "import no_such_package"])
def test_an_engine_that_no_longer_loads_is_wrong(repository, broken):
    repository.edit(FULL, "import numpy as np", broken)
    record = judge(Machine())
    assert standings(record) == {"full_matrix": "wrong", "per_sample": "unchanged"}
    assert record.red


def test_an_engine_that_never_could_be_loaded_here_is_not_available(repository):
    repository.edit(FULL, "import numpy as np", "import no_such_package")
    repository.commit()
    record = judge(Machine())
    assert standings(record)["full_matrix"] == "unavailable"
    assert "no_such_package" in record.standings[0].why
    assert not record.red
    with pytest.raises(InputError, match="no_such_package"):
        judge(Machine(), engines=["full_matrix"])


def test_an_engine_that_compiles_for_seconds_is_raced_only_by_its_name(repository):
    repository.edit(FULL, "    def __init__", "    compiles = True\n\n    def __init__")
    machine = Machine()
    assert standings(judge(machine, everything=True))["full_matrix"] == "left out"
    assert {job.engine for job in machine.jobs} == {"per_sample"}
    asked = judge(Machine(), engines=["full_matrix"])
    assert {found.engine for found in asked.findings} == {"full_matrix"}


def test_an_engine_that_goes_wrong_on_the_way_is_taken_off(repository):
    class Breaks(Machine):
        def rounds(self, engine, cell):
            if len(self.jobs) > 8 and engine == "full_matrix":
                return Rounds(failed={"change": "ValueError: no"})
            return super().rounds(engine, cell)

    record = judge(Breaks(), everything=True)
    assert standings(record) == {"full_matrix": "wrong"}
    assert set(verdicts(record)) == {("per_sample", 2), ("per_sample", 5)}


def test_what_was_wrong_before_the_change_is_new(repository):
    right = repository.engine("full_matrix").read_text()
    repository.edit(FULL, "eta * grad_b", "2 * eta * grad_b")
    repository.commit()
    repository.engine("full_matrix").write_text(right)
    record = judge(budget=1.0)
    assert standings(record)["full_matrix"] == "new"
    assert "HEAD had it wrong" in record.standings[0].why
    assert not record.red


SEGFAULT, HANG = ("the process was killed by SIGSEGV", False), ("the process ran for more than 9 s", True)
STARVED = ("the process was killed by SIGKILL, as the system does when memory runs out", False)
TOO_LARGE = ("the process ended with status 1: MemoryError: Unable to allocate 5.70 TiB", False)


@pytest.mark.parametrize("after", [0, 5], ids=["at its checks", "on the way"])
@pytest.mark.parametrize(
    ("of_change", "of_base", "state", "why"),
    [
        (SEGFAULT, None, "wrong", "killed by SIGSEGV; HEAD alone does not"),
        (None, SEGFAULT, "new", "HEAD had it wrong: the process was killed by SIGSEGV"),
        (SEGFAULT, SEGFAULT, "inconclusive", "it is not the change, HEAD alone does so too"),
        (None, HANG, "new", "HEAD had it wrong: the process ran for more than 9 s"),
        (HANG, None, "inconclusive", "ran for more than 9 s; HEAD alone does not"),
        (HANG, HANG, "inconclusive", "HEAD alone does so too"),
        (STARVED, None, "inconclusive", "killed by SIGKILL"),
        (TOO_LARGE, None, "inconclusive", "MemoryError"),
        (None, STARVED, "inconclusive", "killed by SIGKILL"),
    ],
)
def test_a_process_that_ends_is_the_changes_fault_only_where_the_base_lives(
    repository, of_change, of_base, state, why, after
):
    """What is in the folder of the work tree, or of the base, ends whatever process it is in."""
    ends = {True: of_change, False: of_base}

    class Ends(Machine):
        def __call__(self, job, timeout):
            answer = super().__call__(job, timeout)
            if len(self.jobs) > after:
                for folder in (job.change, job.base):
                    if end := ends[(Path(folder) / "marked").exists()]:
                        raise ProcessError(*end)
            return answer

    lay = gate_module.revisions.lay_work_tree

    def marked():
        tree = lay()
        (tree.folder / "marked").touch()
        return tree

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate_module.revisions, "lay_work_tree", marked)
        record = judge(Ends(), everything=True, engines=["full_matrix"])
    assert standings(record) == {"full_matrix": state}
    assert why in record.standings[0].why
    assert (record.red, record.open) == (state == "wrong", state == "inconclusive")


def test_a_process_that_ends_once_and_not_again_is_nobodys_fault(repository):
    class Once(Machine):
        def __call__(self, job, timeout):
            answer = super().__call__(job, timeout)
            if len(self.jobs) == 3:
                raise ProcessError("the process was killed by SIGSEGV")
            return answer

    record = judge(Once(), everything=True, engines=["full_matrix"])
    assert standings(record) == {"full_matrix": "inconclusive"}
    assert "neither did both once more" in record.standings[0].why


@pytest.mark.parametrize(
    ("failed", "state"),
    [
        ({"change": "no"}, "wrong"),
        ({"base": "no"}, "new"),
        ({"twin": "no"}, "new"),
        ({"change": "no", "base": "no"}, "inconclusive"),
        ({"change": "MemoryError: 5 TiB"}, "inconclusive"),
    ],
)
def test_an_engine_that_raises_is_the_changes_fault_only_where_the_base_does_not(repository, failed, state):
    class Fails(Machine):
        def rounds(self, engine, cell):
            return Rounds(failed=failed) if cell == CELLS[1] else super().rounds(engine, cell)

    record = judge(Fails(), everything=True, engines=["full_matrix"])
    assert standings(record) == {"full_matrix": state}


def test_what_both_raise_on_the_way_is_not_the_change(repository):
    late = "        self.steps = getattr(self, 'steps', 0) + 1\n        assert self.steps < 40\n"
    repository.edit(FULL, "        m = len(x)\n", f"{late}        m = len(x)\n")
    repository.commit()
    repository.change(FULL)
    record = judge(engines=["full_matrix"], budget=2.0)
    assert standings(record) == {"full_matrix": "inconclusive"}
    assert "it is not the change, HEAD has it so too" in record.standings[0].why


@pytest.mark.parametrize("where", ["import numpy as np\n", "        m = len(x)\n"], ids=["on import", "in a step"])
def test_a_base_that_crashes_and_a_change_that_does_not(repository, where):
    right = repository.engine("full_matrix").read_text()
    repository.edit(FULL, where, where + "        import os; os.abort()\n"[0 if where.startswith(" ") else 8 :])
    repository.commit()
    crashes = repository.engine("full_matrix").read_text()
    repository.engine("full_matrix").write_text(right)
    here = {"in_process": in_own_process, "see": touched.in_own_process}
    record = judge(**here, engines=["full_matrix"], budget=60)
    assert standings(record) == {"full_matrix": "new"}
    assert "killed by SIGABRT" in record.standings[0].why
    if where.startswith(" "):
        return
    repository.commit()
    repository.engine("full_matrix").write_text(crashes)
    record = judge(**here, budget=60)
    assert standings(record) == {"full_matrix": "wrong", "per_sample": "unchanged"}


WORDS = {
    "a docstring": ('"""', '"""Anew: '),
    "a comment": ("import numpy as np\n", "import numpy as np  # numbers\n"),
    "lines and blanks": ("import numpy as np\n", "\n\nimport   numpy   as   np\n\n"),
    "a text below": ("class FullMatrix(Engine):", '"""More of it."""\n\n\nclass FullMatrix(Engine):'),
    "line ends": ("\n", "\r\n"),
}


@pytest.mark.parametrize("path", [FULL, "backprop/network.py"])
@pytest.mark.parametrize("change", WORDS)
def test_other_words_are_unchanged_at_once(repository, change, path):
    file = repository.folder / path
    old, new = WORDS[change]
    file.write_bytes(file.read_text().replace(old, new, -1 if change == "line ends" else 1).encode())
    assert repository.git("status", "--porcelain") or old not in file.read_text()
    record = judge(Machine())
    assert standings(record) == {"full_matrix": "unchanged", "per_sample": "unchanged"}


def test_an_engine_that_reads_its_words_is_raced_when_they_change(repository):
    repository.edit(FULL, "        m = len(x)\n", "        assert self.__doc__\n        m = len(x)\n")
    repository.commit()
    file = repository.engine("full_matrix")
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert standings(judge(Machine()))["full_matrix"] == "unchanged"
    file.write_text(file.read_text().replace('"""', '"""Anew: ', 1))
    assert {found.engine for found in judge(Machine()).findings} == {"full_matrix"}


@pytest.mark.parametrize("bad", ["fullmatrix", ""])
def test_an_unknown_engine_is_refused(repository, bad):
    with pytest.raises(InputError, match=r"unknown engine .* there are full_matrix, per_sample"):
        judge(Machine(), engines=["full_matrix", bad])


@pytest.mark.parametrize("address", ["mine.py", "sub/mine.py", "full_matrix@HEAD~1", "package.module:Class"])
def test_what_is_no_built_in_engine_is_refused_with_what_is(repository, address):
    with pytest.raises(InputError, match="built-in engines, by name: full_matrix, per_sample; an engine of your"):
        judge(Machine(), engines=[address])


def test_shares():
    assert parse_share("2%") == parse_share("0.02") == parse_share("2.0%") == 0.02
    for text in ("0%", "-1%", "2", "100%", "x", "", "nan", "inf%"):
        with pytest.raises(InputError, match=r"such as 2% or 0\.02"):
            parse_share(text)


def test_identical_code_gives_no_ratio_whatever_the_noise_of_one_arm():
    seconds = {"change": [2.0, 2.0, 9.0], "base": [1.0, 1.0, 1.0], "twin": [1.0, 7.0, 1.0]}
    slowdown, identical = pass_ratios(seconds)
    assert slowdown == pytest.approx(np.log(2))
    assert identical == 0


def job(repository, laps=CELLS[:1], **lap):
    folder = str(repository.folder)
    return GateJob("full_matrix", folder, folder, [Lap(cell, 0.01, **lap) for cell in laps], pin=True)


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
    """The processes that have this folder as their current one."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # gone, or not ours
            if (entry / "cwd").readlink() == folder:
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
