"""Whose fault it is that a process ends or an engine raises: the change's, the base's, or nobody's."""

import pytest
from judging import CELLS, FULL, Machine, judge, standings

from bench.gate import touched
from bench.gate.one_pass import Rounds, in_own_process
from bench.timing.process import ProcessError

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
    """The code of the work tree, or of the base, ends whatever process it is in."""
    ends = {True: of_change, False: of_base}

    class Ends(Machine):
        def __call__(self, job, timeout):
            answer = super().__call__(job, timeout)
            if len(self.jobs) > after:
                for arm in ("change", "base"):
                    if end := ends[job.arms[arm].commit is None]:
                        raise ProcessError(*end)
            return answer

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
