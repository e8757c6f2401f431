"""The plugin in a project of somebody else's: nothing changes until a test races, and that is a line or two."""

import json
import os
import subprocess
import sys

import pytest
from elsewhere import COSTLY
from their_repository import Theirs

from bench.records import store

SPEED = """from backprop.engines.full_matrix import FullMatrix


class Slower(FullMatrix):
    def step(self, x, y, eta):
        for _ in range(40):
            x @ x.T
        super().step(x, y, eta)


class Wrong(FullMatrix):
    def step(self, x, y, eta):
        super().step(x, y, 2 * eta)


def test_mine_beats_the_loop(race):
    result = race("per_sample", "mine.py", sizes="8-6-3", batch=40, seconds=0.3)
    assert result.speedup("mine.py").value > 2
    assert result.speedup("mine.py").low > 0
    assert result.seconds("mine.py").value > 0


def test_the_slower_one_is_slower(race):
    result = race(Slower, "mine.py", sizes="8-6-3", batch=4, seconds=0.3, baseline="mine.py")
    assert result.speedup("Slower").value < 0.9
"""
MINE = "from mypkg.tiled import Tiled\n\n\nclass Mine(Tiled):\n    pass\n"


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    made = Theirs(tmp_path_factory.mktemp("their_tests") / "theirs")
    made.write("tests/test_speed.py", SPEED)
    made.write("tests/mine.py", MINE)
    made.write("few_passes.py", "from bench.timing import schedule\nschedule.PASSES = (2, 2)\n")
    return made


@pytest.fixture
def run(theirs):
    """Run pytest there, in a process of its own; gives what it ended with, and what it printed."""

    def run(*options, few_passes=True):
        without = [f"-pno:{name}" for name in COSTLY if name != "xdist"]
        command = [sys.executable, "-m", "pytest", *without, *(("-p", "few_passes") if few_passes else ()), *options]
        environment = {**os.environ, "PYTHONPATH": str(theirs.folder), "COLUMNS": "100"}
        done = subprocess.run(command, cwd=theirs.folder, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


def test_their_own_benchmarks_are_as_without_us(theirs, run, tmp_path):
    found = []
    for options in ((), ("-pno:backprop-bench",)):
        json_file = tmp_path / f"{len(options)}.json"
        status, said = run("tests/test_own.py", f"--benchmark-json={json_file}", *options, few_passes=False)
        assert status == 0, said
        (row,) = json.loads(json_file.read_text())["benchmarks"]
        found.append((sorted(row), row["name"], row["group"], row["params"], sorted(row["stats"]), row["options"]))
    assert found[0] == found[1]
    assert not (theirs.folder / ".benchmarks" / "races").exists()
    assert not (theirs.folder / "results").exists()


def test_nothing_heavy_is_imported_where_nobody_races(theirs):
    code = "import sys, pytest; pytest.main(['tests/test_own.py']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=theirs.folder, capture_output=True, text=True, check=True)
    assert "backprop-bench-" in done.stdout
    for name in ("backprop", "numpy", "bench", "bench.suite.run", "msgspec"):
        assert f"'{name}'" not in done.stdout


def test_a_race_is_checked_untimed_and_what_asks_for_more_is_skipped_with_the_reason(theirs, run):
    status, said = run("-rs", "tests/test_speed.py")
    assert status == 0, said
    assert "2 skipped" in said
    assert "nothing is timed here, gradients are checked alone: run pytest --benchmark" in said
    theirs.write(
        "tests/test_wrong.py", "from test_speed import Wrong\ndef test_wrong(race): race(Wrong, sizes='8-6-3')\n"
    )
    status, said = run("tests/test_wrong.py", "-n2")
    (theirs.folder / "tests" / "test_wrong.py").unlink()
    assert status == 1
    assert "engine Wrong: the gradient of weights[1] is off by" in said


def test_a_race_is_timed_its_rows_are_in_the_table_and_its_records_are_kept(theirs, run):
    status, said = run("--benchmark")
    assert status == 0, said
    assert "3 passed" in said
    for line in ("benchmark '8-6-3-b40-float64-t1': 2 tests", "benchmark '8-6-3-b4-float64-t1': 2 tests", "test_own"):
        assert line in said
    assert "[2/2] 8-6-3-b4-float64-t1  " in said
    found, _ = store.load(theirs.folder / ".benchmarks" / "races")
    assert [[result.name for result in record.contestants] for record in found] == [
        ["per_sample", "mine.py"],
        ["Slower", "mine.py"],
    ]
    assert [record.baseline for record in found] == [None, "mine.py"]
    assert (theirs.folder / ".benchmarks" / "races" / "report.html").exists()


def test_what_can_not_be_right_is_refused_in_a_line_before_anything_is_touched(theirs, run):
    for options, message in (
        (("--benchmark", "-n2", "--race-results=new"), "Exit: races can't run side by side: leave -n and --dist out"),
        (
            ("--benchmark", "-pno:benchmark", "--race-results=new"),
            "Exit: a race needs pytest-benchmark, which is off",
        ),
        (("--benchmark", "--grid=smoke"), "unrecognized arguments: --grid=smoke"),
    ):
        status, said = run(*options, "tests/test_speed.py")
        assert status in (2, 4)
        assert message in said
        assert "Traceback" not in said
    assert not (theirs.folder / "new").exists()


def test_what_is_called_as_ours_and_is_theirs_stays_theirs(theirs, run):
    theirs.write(
        "theirs/conftest.py",
        "import pytest\ndef pytest_addoption(parser):\n"
        "    parser.addoption('--benchmark', default='no')\n    parser.addoption('--grid', default='none')\n"
        "@pytest.fixture\ndef race(): return 'theirs'\n",
    )
    test = "def test_it(race, pytestconfig): assert (race, pytestconfig.option.benchmark) == ('theirs', 'yes')\n"
    theirs.write("theirs/test_it.py", test)
    status, said = run("--benchmark=yes", "--grid=x", "theirs")
    assert status == 0, said
    status, said = run("--benchmark", "theirs/test_it.py", "-pno:conftest")
    assert status != 0


def test_a_package_of_their_own_that_is_called_bench_stays_theirs(theirs, run):
    theirs.write("named/bench/__init__.py", "")
    theirs.write("named/bench/tool.py", "ANSWER = 42\n")
    theirs.write("named/conftest.py", "")
    theirs.write("named/test_named.py", "from bench.tool import ANSWER\ndef test_it(): assert ANSWER == 42\n")
    theirs.write("named/test_race.py", "import bench.tool\ndef test_it(race): race('fused')\n")
    status, said = run("named/test_named.py", few_passes=False)
    assert status == 0, said
    status, said = run("named/test_race.py", few_passes=False)
    assert status == 2
    assert "a module bench of this project's own hides that of backprop-bench: rename it" in said
