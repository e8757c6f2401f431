"""Tests and benchmarks of the user's own beside the suite: a race takes a cell, their fixtures stay theirs."""

import pytest
from elsewhere import STEP, untouched

from bench.records import store


@pytest.mark.filterwarnings("ignore:Benchmarks are automatically disabled")
def test_plain_tests_may_run_side_by_side_and_one_after_the_other(suite, tmp_path):
    assert "1 passed" in suite("-n2", first="-q")[1]
    untouched(tmp_path)
    assert "1 passed" in suite("-n0")[1]
    assert [record.cell.id for record in store.load(tmp_path / "out")[0]] == ["4-3-2-b2-float64-t1"]


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
