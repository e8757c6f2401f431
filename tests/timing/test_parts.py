"""What explains a step is raced beside it: its calls on a network of one unit a layer, its products by the floor."""

import pytest
from scripted import CELL, Clock, run
from stand_ins import made

from backprop import load
from bench.analysis import shares
from bench.cells.cell import Cell
from bench.timing import admission
from bench.timing.floor import Floor

FullMatrix = load("full_matrix")


def costing(clock, name, base=FullMatrix, *, step=0.0, sample=0.0, number=0.0):
    """An engine of so many seconds for a step, for each sample of it, and for each input of a sample but its first."""

    class Costing(base):
        def step(self, x, y, eta):
            super().step(x, y, eta)
            clock.spend(step + len(x) * (sample + number * (x.shape[1] - 1)))

    return made(name, Costing)


@pytest.fixture
def floor(monkeypatch):
    """Makes the floor one that takes so many seconds; returns its clock."""

    def floored(**costs):
        clock = Clock()
        monkeypatch.setattr(admission, "Floor", costing(clock, "floor", Floor, **costs).make)
        return clock

    return floored


def parts_of(record, name):
    return shares.measured(record, next(result for result in record.contestants if result.name == name))


def test_calls_are_the_engines_without_numbers_and_products_the_floors_without_its_calls(floor):
    clock = floor(step=5e-6, number=1e-6)
    record = run(clock, costing(clock, "whole", step=40e-6, sample=1e-6, number=3e-6), floor=True)
    calls, products, passes = parts_of(record, "whole").shares
    numbers = CELL.batch * (CELL.sizes[0] - 1)
    assert calls == pytest.approx(40e-6 + 1e-6, rel=1e-3), "what it takes for more samples are passes"
    assert products == pytest.approx(numbers * 1e-6, rel=1e-3)
    assert passes == pytest.approx(numbers * 2e-6 + (CELL.batch - 1) * 1e-6, rel=1e-3)
    assert not parts_of(record, "whole").one_by_one


def test_a_loops_products_are_those_of_a_batch_of_one_as_often_as_there_are_samples(floor):
    clock = floor(step=20e-6, number=1e-6)

    def at_once(self, x, y, eta):  # a floor that a batch gives nothing: one of five takes as long as one
        clock.spend(20e-6 + 1e-6 * (x.shape[1] - 1))

    admission.Floor.step = at_once
    record = run(clock, costing(clock, "loop", step=5e-6, sample=30e-6, number=9e-6), floor=True)
    calls, products, passes = parts_of(record, "loop").shares
    assert parts_of(record, "loop").one_by_one
    assert calls == pytest.approx(5e-6 + CELL.batch * 30e-6, rel=1e-3)
    assert products == pytest.approx(CELL.batch * 5 * 1e-6, rel=1e-3)
    assert calls + products + passes == pytest.approx(5e-6 + CELL.batch * (30e-6 + 5 * 9e-6), rel=1e-3)


@pytest.mark.parametrize(
    "cell", [Cell((6, 4, 3), 1), Cell((1, 1), 3), Cell((6, 4, 3), 5, head="softmax-cross-entropy")]
)
def test_there_are_parts_also_where_they_are_the_whole(floor, cell):
    clock = floor(step=5e-6, number=1e-6)
    record = run(clock, costing(clock, "any", step=40e-6, number=3e-6), floor=True, cell=cell)
    calls, products, _ = parts_of(record, "any").shares
    assert calls == pytest.approx(40e-6, rel=1e-3)
    assert products == pytest.approx(cell.batch * (cell.sizes[0] - 1) * 1e-6, rel=1e-3)


def test_a_disturbed_pass_does_not_decide_on_the_parts(floor):
    clock = floor(step=5e-6)
    whole = costing(clock, "whole", step=10e-6, number=10e-6)
    passes = []

    def paced(self, x, y, eta, own=whole.make.step):
        own(self, x, y, eta)
        if x.shape[1] == 1 and len(passes) == 1:  # the second pass: what is but calls is slow in it
            clock.spend(1.0e-3)

    whole.make.step = paced
    record = run(clock, whole, floor=True, progress=passes.append)
    assert parts_of(record, "whole").calls == pytest.approx(10e-6, rel=1e-3)
    assert [len(part.seconds) for part in record.contestants[0].parts] == [3, 3]


def test_parts_that_take_more_than_the_whole_share_it_and_those_that_take_far_more_explain_nothing(floor):
    clock = floor(step=5e-6, number=1e-6)
    numbers = CELL.batch * (CELL.sizes[0] - 1) * 1e-6
    some, far = (costing(clock, name, step=step) for name, step in (("some", 8 * numbers), ("far", 2 * numbers)))
    record = run(clock, some, far, floor=True)
    calls, products, passes = parts_of(record, "some").shares
    assert (calls / products, passes) == (pytest.approx(8, rel=1e-2), 0)
    assert calls + products == pytest.approx(8 * numbers)
    assert parts_of(record, "far") is None


def test_without_a_floor_nothing_is_explained(floor):
    clock = floor(step=5e-6)
    record = run(clock, costing(clock, "any", step=40e-6), floor=False)
    assert parts_of(record, "any") is None
    assert record.contestants[0].parts == []


def test_an_engine_that_takes_no_network_of_one_unit_is_raced_and_not_explained(floor):
    clock = floor(step=5e-6)
    picky = costing(clock, "picky", step=40e-6)

    def refuse(self, network, own=picky.make.__init__):
        assert network.sizes[0] > 1
        own(self, network)

    picky.make.__init__ = refuse
    record = run(clock, picky, costing(clock, "other", step=40e-6), floor=True)
    assert not record.failures
    assert parts_of(record, "picky") is None
    assert parts_of(record, "other")


def test_an_entry_may_run_in_a_cell_of_its_own_and_is_paired_with_the_others(floor):
    clock = floor()
    costs = {"step": 40e-6, "sample": 10e-6}
    one, many = (costing(clock, name, **costs) for name in ("one", "many"))
    alone = Cell((6, 4, 3), 1)
    record = run(clock, one, many, cells=[alone, CELL], cell=CELL)
    (elsewhere,), (here,) = record.elsewhere, record.contestants
    assert (elsewhere.cell, here.cell) == (alone, None)
    assert elsewhere.seconds[0][0] == pytest.approx(50e-6)
    assert here.seconds[0][0] == pytest.approx(90e-6)
    assert record.noise.of == "many", "the cell's own"
