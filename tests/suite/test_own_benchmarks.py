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


ODD = {
    "test_text(race, cell): race(cell=cell.id)": "cell is a bench.cells.cell.Cell, such as Cell((784, 30, 10), 10)",
    "test_loose(race, cell): race(cell)": "an engine is an address, such as full_matrix or mine.py, or a class of it",
    "test_unknown(race): race('full_matrx')": "unknown engine 'full_matrx': did you mean full_matrix?",
    "test_sizes(race): race(sizes='7')": "sizes must be two or more positive numbers such as 784-30-10, not '7'",
    "test_file(race): race('none.py')": "engine file none.py does not exist",
    "test_kind(race): race('fused', sizes=(8, 4))": "sizes must be text such as '784-30-10', not (8, 4)",
}


@pytest.mark.parametrize("mode", ["--benchmark", "-q"])
def test_a_call_that_is_wrong_fails_that_test_alone(suite, tmp_path, mode):
    (tmp_path / "test_odd.py").write_text(STEP + "".join(f"def {test}\n" for test in ODD))
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
def test_both(race, eta, cell): race(cell=cell)

@pytest.mark.parametrize("eta", [1, 2])
def test_open(race, eta, cell): race(cell=cell)
"""


def test_others_parameters_and_fixtures_are_theirs(suite, tmp_path):
    (tmp_path / "test_theirs.py").write_text(THEIRS)
    assert "4 passed" in suite("test_theirs.py", first="-q")[1]


def test_benchmarks_of_others_stay_on_and_make_no_results(suite, tmp_path):
    (tmp_path / "test_own.py").write_text(
        "def test_sort(benchmark): benchmark(sorted, [2, 1])\ndef test_plain(): pass\n"
    )
    few = ("--benchmark-max-time=0.01", "--benchmark-min-time=0.001", "--race-results=new", "test_own.py")
    status, out, _ = suite(*few, first="-v")
    assert status == 0
    assert "2 passed" in out
    assert "benchmark: 1 tests" in out
    status, out, err = suite(*few)
    assert status == 4
    assert "--benchmark times tests that use the fixture `race`, and here is none" in out + err
    status, out, _ = suite(*few, "test_step.py")
    assert "2 passed, 1 deselected" in out
    assert store.load(tmp_path / "new")[0]
    untouched(tmp_path)
