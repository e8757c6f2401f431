"""The gate on networks of other functions: against a base that knows none, there is nothing to compare."""

import pytest
from judging import CELLS, FULL, Machine, judge, standings, verdicts

from backprop import InputError
from bench.cells.cell import Cell
from bench.gate.one_pass import Rounds

RELU = Cell((6, 4, 3), 2, hidden="relu")
SAYS = "HEAD has it, it can't train this network: it has no `handles` that says it knows other functions"


def test_a_base_that_knows_no_functions_is_raced_on_the_default_ones_as_before(repository):
    repository.before_functions()
    record = judge(budget=3.0)
    assert record.standings == []
    assert set(verdicts(record)) == {(engine, batch) for engine in ("full_matrix", "per_sample") for batch in (2, 5)}


def test_a_base_that_knows_no_functions_is_raced_on_no_other_network(repository):
    repository.before_functions()
    with pytest.raises(InputError, match=rf"nothing can be raced: full_matrix is left out in {RELU.id}: as {SAYS}"):
        judge(budget=3.0, cells=[RELU])


def test_the_other_cells_are_raced_and_the_engine_is_said_to_be_left_out(repository):
    repository.before_functions()
    record = judge(budget=3.0, cells=[RELU, CELLS[1], Cell((6, 4, 3), 7, head="softmax-cross-entropy")])
    assert set(verdicts(record)) == {("full_matrix", 5), ("per_sample", 5)}
    assert standings(record) == {"full_matrix": "left out", "per_sample": "left out"}
    assert all(f"in {RELU.id} and 1 more: as {SAYS}" in each.why for each in record.standings)


def test_a_change_that_no_longer_trains_a_network_is_not_compared_on_it(repository):
    repository.edit(FULL, '"""Any network."""', 'return "not today"')
    with pytest.raises(InputError, match=r"as the work tree has it, it can't train this network: not today"):
        judge(budget=3.0, engines=["full_matrix"])


def test_an_engine_that_cannot_say_what_it_trains_is_wrong(repository):
    repository.edit(FULL, '"""Any network."""', 'raise ValueError("no")')
    record = judge(budget=3.0, engines=["full_matrix"])
    assert standings(record) == {"full_matrix": "wrong"}
    assert "ValueError: no" in record.standings[0].why


def test_passes_after_the_check_are_of_the_cells_that_both_can_train(repository):
    class Unfit(Machine):
        def rounds(self, engine, cell):
            return Rounds(unfit={"base": "no"}) if cell is RELU else super().rounds(engine, cell)

    machine = Unfit()
    judge(machine, cells=[RELU, CELLS[0]], everything=True)
    assert len(machine.jobs) > 2
    assert all([lap.cell for lap in job.laps] == [CELLS[0]] for job in machine.jobs[2:])
