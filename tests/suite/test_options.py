"""The suite in somebody else's repository, where every option of pytest's and of its plugins may be given."""

import json
import os
from fnmatch import filter as matching
from importlib.util import find_spec

import msgspec
import pytest
from examples import make_record

from bench import pytest_plugin
from bench.records import outputs, store
from bench.report import build
from bench.suite import run as suite_module

COSTLY = ("unraisableexception", "threadexception", "hypothesispytest", "faulthandler", "cacheprovider", "xdist")
STEP = "def test_step(race, cell): race(cell)\n"
FAST = ("--grid=grid.toml", "--cell-seconds=0.1", "--engines=full_matrix", "--no-floor", "--results=out")


class Xdist:
    """The options of pytest-xdist, which none of these tests needs more of."""

    def pytest_addoption(self, parser):
        group = parser.getgroup("xdist")
        group._addoption("-n", dest="numprocesses")
        group._addoption("--dist", default="no")

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config):
        if config.option.numprocesses is not None:
            config.option.dist = "no" if config.option.numprocesses == "0" else "load"


def made_up(job, progress):
    """A record as a race would have made it, at once."""
    return msgspec.structs.replace(make_record(), cell=job.cell)


@pytest.fixture
def suite(tmp_path, monkeypatch, capsys):
    """Run the suite in a folder with a benchmark, a grid of one cell, and good records of another run in `out`."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(suite_module, "run_race", made_up)
    monkeypatch.setattr(build, "build", lambda folder: iter(["pages", *store.load(folder)[1]]))
    (tmp_path / "test_step.py").write_text(STEP)
    (tmp_path / "grid.toml").write_text('sizes = ["4-3-2"]\nbatch = [2]\n')
    (tmp_path / "out").mkdir()
    store.append(tmp_path / "out", make_record())

    def run(*options, first="--benchmark", plugin=None):
        without = [f"-pno:{name}" for name in COSTLY]
        command = ["--rootdir=.", "--import-mode=importlib", *without, *FAST, first, *options]
        status = pytest.main(command, plugins=[Xdist(), pytest_plugin, *([plugin] if plugin else [])])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def untouched(folder):
    """Whether the good records are where they were, and alone."""
    assert [path.name for path in folder.glob("out*")] == ["out"]
    assert [path.name for path in (folder / "out").iterdir()] == ["cells.jsonl"]
    assert store.load(folder / "out")[0] == [make_record()]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-n2"], "races can't run side by side: leave -n and --dist out, or pass -n 0"),
        (["-nauto"], "races can't run side by side"),
        (["--dist=load"], "races can't run side by side"),
        (["--benchmark-compare-fail=min:10%"], "without --benchmark-compare none is: save one with --benchmark-save"),
        (["--benchmark-compare", "--benchmark-compare-fail=min:10%"], "no saved run in ./.benchmarks is"),
        (["--benchmark-compare=7", "--benchmark-compare-fail=min:10%"], "no saved run in ./.benchmarks is"),
        (["--benchmark-compare=a/b/c"], "'a/b/c' isn't an existing file or acceptable glob"),
        (["--benchmark-json=nowhere/x.json"], "nowhere/x.json can't be written: No such file or directory"),
        (["--benchmark-json=."], ". can't be written: it is a folder"),
        (["--benchmark-json=out/../out/cells.jsonl"], "--benchmark-json and --results name the same file"),
        (["--benchmark-group-by=param:nix"], "can't be 'param:nix': there are group, name, func"),
        (["--benchmark-group-by=group,nix"], "can't be 'nix'"),
        (["--benchmark-save=x", "--benchmark-storage=grid.toml"], "Linux"),
        (["--benchmark-autosave", "--benchmark-storage=grid.toml/x"], "can't be written: Not a directory"),
        (["--benchmark-save=" + 300 * "x"], "File name too long"),
        (["--results="], "--results is empty: name a folder"),
        (["--results=grid.toml"], "results folder grid.toml can't be written: it is a file"),
        (["--results=grid.toml/x"], "can't be written: Not a directory"),
    ],
)  # fmt: skip
def test_what_would_spoil_the_races_is_refused_before_the_first_in_one_line(suite, tmp_path, options, message):
    before = {path.name for path in tmp_path.iterdir()}
    status, out, err = suite(*options)
    assert (status, out) == (2, "")
    assert err.startswith("Exit: ")
    assert message in err
    assert err.count("\n") == 1
    untouched(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == before


@pytest.mark.skipif(find_spec("pygal") is not None, reason="pygal is there")
def test_a_histogram_without_pygal_is_refused(suite):
    status, _, err = suite("--benchmark-histogram")
    assert status == 2
    assert "pip install 'pytest-benchmark[histogram]'" in err


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


@pytest.mark.filterwarnings("ignore:Benchmarks are automatically disabled")
def test_plain_tests_may_run_side_by_side_and_one_after_the_other(suite, tmp_path):
    assert "1 passed" in suite("-n2", first="-q")[1]
    untouched(tmp_path)
    assert "1 passed" in suite("-n0")[1]
    assert [record.cell.id for record in store.load(tmp_path / "out")[0]] == ["4-3-2-b2-float64-t1"]


@pytest.mark.parametrize("hook", ["update_json", "group_stats", "scale_unit"])
def test_what_breaks_at_the_end_does_not_cost_the_pages(suite, hook):
    @pytest.hookimpl(tryfirst=True)
    def broken():
        raise OSError("no such luck")

    plugin = type("Broken", (), {f"pytest_benchmark_{hook}": staticmethod(broken)})
    status, out, err = suite("--benchmark-json=x.json", plugin=plugin)
    assert status == 2
    assert "\nafter the races: OSError: no such luck\n" in out
    for line in ("*= backprop-bench =*", "pages", "the records that were there before: *", "*1 passed*"):
        assert matching(out.splitlines(), line)
    assert "INTERNALERROR" not in out + err


def test_rows_are_grouped_by_any_of_a_cells_fields(suite, tmp_path):
    status, out, _ = suite("--benchmark-group-by=param:cell,param:batch,param:engine", "--benchmark-json=x.json")
    assert status == 0
    assert "benchmark 'cell=4-3-2-b2-float64-t1 batch=2 engine=full_matrix': 1 tests" in out
    row, _ = json.loads((tmp_path / "x.json").read_text())["benchmarks"]
    assert row["params"]["cell"] == "4-3-2-b2-float64-t1"


def test_a_saved_run_of_another_machine_is_compared_with_wherever_it_lies(suite, tmp_path, monkeypatch):
    storage = f"--benchmark-storage={tmp_path / 'saved'}"
    suite(storage, "--benchmark-save=one")
    (saved,) = (tmp_path / "saved").rglob("*.json")
    run = json.loads(saved.read_text())
    saved.write_text(json.dumps({**run, "machine_info": {**run["machine_info"], "node": "another"}}))
    for name in ("test_step.py", "grid.toml"):
        (tmp_path / "far" / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).rename(tmp_path / "far" / name)
    monkeypatch.chdir(tmp_path / "far")
    with pytest.warns(UserWarning, match="is of another machine or other versions"):
        status, out, _ = suite(storage, "--benchmark-compare", "--benchmark-compare-fail=min:1000000%")
    assert status == 0
    assert "full_matrix (0001_one)" in out


def test_a_folder_in_use_and_one_of_a_sweep_are_refused(suite, tmp_path):
    with outputs.locked(tmp_path / "out"):
        status, _, err = suite()
    assert status == 2
    assert err.startswith("Exit: out is in use by another sweep, suite or training")
    (tmp_path / "out" / "sweep.json").touch()
    assert suite()[2] == "Exit: out holds a sweep: name another folder with --results\n"
    (tmp_path / "out" / "sweep.json").unlink()
    untouched(tmp_path)


def test_a_suite_goes_on_with_the_cells_that_are_missing(suite, tmp_path, monkeypatch):
    (tmp_path / "grid.toml").write_text('sizes = ["4-3-2"]\nbatch = [2, 3]\n')
    assert suite("-k", "b2")[0] == 0
    raced = []
    monkeypatch.setattr(suite_module, "run_race", lambda job, progress: raced.append(job.cell.batch) or made_up(job, 0))
    status, out, _ = suite("--resume", "--benchmark-json=x.json")
    assert (status, raced) == (0, [3])
    assert matching(out.splitlines(), "[[]1/2] 4-3-2-b2-float64-t1 *x  as recorded before")
    assert [record.cell.batch for record in store.load(tmp_path / "out")[0]] == [2, 3]
    rows = json.loads((tmp_path / "x.json").read_text())["benchmarks"]
    assert [(row["params"]["batch"], row["name"]) for row in rows] == [
        (batch, name) for batch in (2, 3) for name in ("per_sample", "full_matrix")
    ]
    assert suite("--resume")[0] == 0
    assert raced == [3]
    assert suite()[0] == 0  # begins anew
    assert raced == [3, 2, 3]


def test_what_differs_from_the_suite_that_was_begun_is_named(suite, tmp_path):
    assert suite("--resume")[2] == "Exit: out holds no suite to go on with: leave out --resume to begin one\n"
    untouched(tmp_path)
    assert suite()[0] == 0
    before = (tmp_path / "out" / "cells.jsonl").read_bytes()
    for options, difference in [
        (["--engines=per_sample"], "engines full_matrix, now per_sample: go on with what it was begun with"),
        (["--cell-seconds=2"], "seconds 0.1, now 2: go on with what it was begun with, or begin another suite"),
        (["--grid=smoke"], "cells 1, now 4 more"),
    ]:
        status, _, err = suite("--resume", *options)
        assert status == 2
        assert err.startswith("Exit: out was begun with " + difference)
        assert err.count("\n") == 1
    (tmp_path / "out" / "suite.json").write_text("{")
    assert "suite.json is not what a suite has written" in suite("--resume")[2]
    assert (tmp_path / "out" / "cells.jsonl").read_bytes() == before


def test_records_in_the_folder_that_is_worked_in_are_not_moved_away(suite, tmp_path):
    (tmp_path / "out" / "cells.jsonl").rename(tmp_path / "cells.jsonl")
    assert "holds records, and what is worked in" in suite("--results=.")[2]


TAKES = "race takes a bench.cells.cell.Cell, such as Cell((784, 30, 10), 10)"
ODD = {
    "test_none(race): race(CELL)": "a test races once, in the cell that is its parameter",
    "test_other(race, size): race(size)": "a test races once, in the cell that is its parameter",
    "test_text(race, cell): race(cell.id)": f"{TAKES}, not '4-3-2",
    "test_nothing(race, cell): race(None)": f"{TAKES}, not None",
    "test_twice(race, cell): race(cell) or race(cell)": "a test races once, in the cell that is its parameter",
}


@pytest.mark.parametrize("mode", ["--benchmark", "-q"])
def test_a_race_without_its_cell_fails_that_test_alone(suite, tmp_path, mode):
    code = "import pytest\nfrom bench.cells.cell import Cell\nCELL = Cell((4, 3, 2), 2)\n" + STEP
    for test in ODD:
        code += '@pytest.mark.parametrize("size", [CELL])\n' if "size" in test else ""
        code += f"def {test}\n"
    (tmp_path / "test_odd.py").write_text(code)
    status, out, _ = suite("test_odd.py", first=mode)
    assert status == 1
    assert f"{len(ODD)} failed, 1 passed" in out
    for message in ODD.values():
        assert f"\n{message}" in out


THEIRS = """
import pytest
from bench.cells.cell import Cell
CELL = Cell((4, 3, 2), 3)

@pytest.fixture
def cell(): return "theirs"

def test_notebook(cell): assert cell == "theirs"

@pytest.mark.parametrize(["eta", "cell"], [(1, CELL)])
def test_both(race, eta, cell): race(cell)

@pytest.mark.parametrize("eta", [1, 2])
def test_open(race, eta, cell): race(cell)
"""


def test_others_parameters_and_fixtures_are_theirs(suite, tmp_path):
    (tmp_path / "test_theirs.py").write_text(THEIRS)
    assert "4 passed" in suite("test_theirs.py", first="-q")[1]


def test_benchmarks_of_others_stay_on_and_make_no_results(suite, tmp_path):
    (tmp_path / "test_own.py").write_text(
        "def test_sort(benchmark): benchmark(sorted, [2, 1])\ndef test_plain(): pass\n"
    )
    few = ("--benchmark-max-time=0.01", "--benchmark-min-time=0.001", "--results=new", "test_own.py")
    for mode, outcome in (("-v", "2 passed"), ("--benchmark", "1 passed, 1 deselected")):
        status, out, _ = suite(*few, first=mode)
        assert status == 0
        assert outcome in out
        assert "benchmark: 1 tests" in out
    assert not (tmp_path / "new").exists()
    untouched(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes as Unix has them")
def test_a_pipe_for_the_json_is_left_to_its_reader(suite, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert suite("--benchmark-json=pipe")[0] == 0
    assert json.loads(os.read(reader, 1_000_000))["benchmarks"]
    os.close(reader)
