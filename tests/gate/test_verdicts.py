"""What is told of each engine and cell, how long passes go on, and when the time is up."""

import os

import pytest
from judging import CELLS, Machine, judge, verdicts

from bench.gate.one_pass import Rounds


@pytest.mark.parametrize("crowded", [False, True])
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes can't choose their cores here")
def test_every_pass_is_on_the_cores_that_the_gate_has_taken(repository, temporary, monkeypatch, crowded):
    monkeypatch.setattr("backprop.cores._locked", lambda *_: not crowded)
    record = judge(machine := Machine(), everything=True)
    assert record.environment.cores_shared == crowded
    assert len(record.environment.core_numbers) == 1
    assert {tuple(job.core_numbers) for job in machine.jobs} == {tuple(record.environment.core_numbers)}


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
