"""Who is timed at all: the wrong, the failing and the far too slow are left out with the reason."""

import re

import pytest
from scripted import Clock, paced, run
from stand_ins import made
from wrong import PairsAll
from wrong_precision import DoublesUnseen
from wrong_state import Momentum

from backprop import Network, load
from bench.analysis import intervals, speedups
from bench.cells import capacity
from bench.cells.cell import Cell
from bench.timing import one_pass

FullMatrix = load("full_matrix")


def test_a_wrong_engine_is_not_timed_and_the_others_are_raced():
    clock = Clock()

    class Wrong(FullMatrix):
        def step(self, x, y, eta):
            super().step(x, y, 2 * eta)

    record = run(clock, paced(clock, "right", 1e-4), made("wrong", Wrong), seconds=3.0)
    right, wrong = record.contestants
    assert wrong.failed
    assert wrong.seconds == []
    assert "gradient of weights" in wrong.left_out
    assert len(right.seconds) == 20
    assert record.failures == [wrong]
    assert record.noise.of == "right"


@pytest.mark.parametrize("after", [0, 1, 5, 50, 500])
def test_an_engine_that_raises_is_left_out_with_its_error_and_the_others_are_raced(after):
    clock = Clock()

    class Raises(FullMatrix):
        steps = 0

        def __init__(self, network):
            super().__init__(network)
            if after == 0:
                raise MemoryError("no\nroom")

        def step(self, x, y, eta):
            super().step(x, y, eta)
            clock.spend(1e-4)
            Raises.steps += 1
            if Raises.steps > after:
                raise MemoryError("no room")

    record = run(clock, made("raises", Raises), paced(clock, "other", 3e-4), seconds=3.0)
    raises, other = record.contestants
    assert (raises.failed, raises.left_out, raises.seconds) == (True, "MemoryError: no room", [])
    assert len(other.seconds) == 20


def test_an_engine_that_goes_wrong_during_the_race_fails_at_the_end():
    clock = Clock()

    class Tires(FullMatrix):
        steps = 0

        def step(self, x, y, eta):
            self.steps += 1
            super().step(x, y, eta if self.steps < 20 else 0.0)
            clock.spend(1e-4)

    record = run(clock, made("tires", Tires), paced(clock, "other", 3e-4))
    assert record.contestants[0].failed
    assert "off by" in record.contestants[0].left_out
    assert record.contestants[1].seconds


def test_a_contestant_too_slow_for_the_budget_is_left_out_with_the_reason():
    clock = Clock()
    record = run(clock, paced(clock, "glacial", 0.5), paced(clock, "fast", 1e-4))
    glacial, fast = record.contestants
    assert glacial.left_out.startswith("too slow: a step takes 0.5 s, and 5 passes need 10.")
    assert not glacial.failed
    assert fast.seconds
    assert speedups.speedup(record, fast) is None  # the engine it would be relative to has no time


def test_what_is_too_slow_says_how_many_seconds_are_enough():
    def reason(seconds):
        clock = Clock()
        record = run(clock, paced(clock, "slow", 0.3), paced(clock, "fast", 1e-4), seconds=seconds)
        return record.contestants[0].left_out

    told = re.search(r"; 1 s were given: give (\d+) s or more$", reason(1.0))
    assert 6 < float(told[1]) < 12  # five passes of a step before the slice and one in it need 6 s
    assert reason(float(told[1])) is None


def test_with_nobody_left_the_record_says_why():
    clock = Clock()
    record = run(clock, paced(clock, "glacial", 5.0))
    assert record.contestants[0].left_out
    assert record.noise is None
    assert speedups.noise_floor(record) is None


def test_a_first_step_that_compiles_is_told_and_costs_no_place():
    clock = Clock()

    class Compiles(FullMatrix):
        compiled = False

        def step(self, x, y, eta):
            super().step(x, y, eta)
            clock.spend(100e-6 if Compiles.compiled else 25.0)
            Compiles.compiled = True

    (result,) = run(clock, made("compiles", Compiles)).contestants
    assert result.first_step_seconds == 25.0
    assert intervals.typical(result.seconds).value == pytest.approx(100e-6)


def test_an_engine_far_too_slow_is_not_even_checked():
    clock = Clock()
    slow = paced(clock, "slow", 10.0)
    record = run(clock, slow, paced(clock, "fast", 100e-6))
    assert "too slow: a step takes 10 s" in record.contestants[0].left_out
    assert slow.make.made == 1
    assert clock.now < 25


class RaisesOurs(FullMatrix):
    """Raises, in its network(), what is meant for callers: weights and biases differ in dtype."""

    def network(self):
        own = super().network()
        return Network(own.weights, tuple(b.astype("float16") for b in own.biases))


def test_an_input_error_of_an_engine_is_the_engines_fault():
    clock = Clock()
    record = run(clock, made("mixed", RaisesOurs), paced(clock, "other", 1e-4))
    mixed, other = record.contestants
    assert mixed.failed
    assert mixed.left_out.startswith("InputError: weights and biases must share one floating dtype")
    assert other.seconds


@pytest.mark.parametrize(
    ("wrong", "dtype", "words"),
    [
        (Momentum, "float32", "something is carried from step to step"),
        (Momentum, "float64", "something is carried from step to step"),
        (DoublesUnseen, "float32", "another precision than this cell"),
        (PairsAll, "float64", "every prediction is paired with every target"),
    ],
)
def test_what_a_random_cell_could_not_tell_is_refused_before_anything_is_timed(wrong, dtype, words):
    clock = Clock()
    record = run(clock, made("wrong", wrong), cell=Cell((5, 4, 1), 10, dtype))
    assert record.contestants[0].failed
    assert words in record.contestants[0].left_out


def test_what_rounding_hides_is_nobodys_fault_and_in_the_record():
    clock = Clock()
    deep = Cell((300, *[100] * 6, 3), 5, "float32")
    record = run(clock, paced(clock, "a", 1e-3), cell=deep)
    assert record.contestants[0].seconds
    assert "weights[0]" in record.lost_in_rounding
    assert run(clock, paced(clock, "a", 1e-3)).lost_in_rounding == []


def test_where_the_products_alone_take_too_long_nothing_is_made(monkeypatch):
    clock = Clock()
    one = paced(clock, "a", 1e-3)
    monkeypatch.setattr(capacity, "least_seconds", lambda flops, dtype: 0.1 if flops > 10**12 else 0.0)
    monkeypatch.setattr(one_pass, "prepare", lambda *_: pytest.fail("samples were made"))
    record = run(clock, one, cell=Cell((784, 3000, 10), 10**7))
    assert one.make.made == 0
    (result,) = record.contestants
    assert not result.failed
    assert "products of a step alone take more than 0.1 s, and 5 passes need 2.0 s" in result.left_out
    assert result.left_out.endswith("s were given: give far more, or name a smaller network or batch")
