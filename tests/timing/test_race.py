"""The race by scripted clocks: engines that tell the clock how long they took."""

import gc

import numpy as np
import pytest
from stand_ins import made, race_here
from wrong import DoublesUnseen, Momentum, PairsAll

from backprop import Network, load
from bench.analysis import intervals, speedups
from bench.cells import capacity
from bench.cells.cell import Cell
from bench.timing import admission, one_pass
from bench.timing.floor import Floor

CELL = Cell((6, 4, 3), batch=5)
FullMatrix = load("full_matrix")


class Clock:
    """Time passes only when an engine says so; `pace` is how slow the machine is at a given moment."""

    def __init__(self, pace=lambda now: 1.0):
        self.now = 0.0
        self.pace = pace

    def __call__(self):
        return self.now

    def spend(self, seconds):
        self.now += seconds * self.pace(self.now)


def paced(clock, name, seconds, base=FullMatrix):
    """A contestant whose every step takes `seconds` by this clock."""

    class Paced(base):
        made = 0

        def __init__(self, network):
            super().__init__(network)
            Paced.made += 1

        def step(self, x, y, eta):
            super().step(x, y, eta)
            clock.spend(seconds)

    return made(name, Paced)


def run(clock, *contestants, cell=CELL, **more):
    return race_here(cell, contestants, clock=clock, **more)


def test_a_steady_machine_gives_the_exact_factor_and_no_noise():
    clock = Clock()
    record = run(clock, paced(clock, "slow", 300e-6), paced(clock, "fast", 100e-6))
    slow, fast = record.contestants
    assert (slow.steps_per_slice, fast.steps_per_slice) == (10, 30)
    gain = speedups.speedup(record, fast)
    assert intervals.ratio(slow.seconds, fast.seconds) == intervals.Estimate(*[pytest.approx(3)] * 3)
    spread = np.exp(1.96 * speedups.MOMENTS)  # what the next run may say
    assert (gain.value, gain.low, gain.high) == pytest.approx((3, 3 / spread, 3 * spread), rel=1e-5)
    assert record.noise.of == "fast"
    assert speedups.noise_floor(record) == pytest.approx(0, abs=1e-6)
    assert record.cell == CELL


def test_every_lane_has_the_same_passes_and_rounds():
    clock = Clock()
    record = run(clock, paced(clock, "a", 300e-6), paced(clock, "b", 100e-6), seconds=3.0)
    shapes = [[len(rounds) for rounds in seconds] for seconds in (r.seconds for r in record.contestants)]
    assert shapes[0] == shapes[1] == [len(rounds) for rounds in record.noise.seconds]
    assert len(shapes[0]) == 20
    assert min(shapes[0]) >= 4


def test_a_machine_whose_speed_wanders_changes_the_times_but_not_the_ratio():
    clock = Clock(pace=lambda now: 1.5 + 0.5 * np.sin(now * 7))
    record = run(clock, paced(clock, "slow", 400e-6), paced(clock, "fast", 100e-6))
    times = [t for rounds in record.contestants[1].seconds for t in rounds]
    assert max(times) / min(times) > 1.9
    gain = speedups.speedup(record, record.contestants[1])
    assert gain.value == pytest.approx(4, rel=0.01)
    assert gain.low <= 4 <= gain.high


def test_every_pass_has_fresh_engines():
    clock = Clock()
    contestants = [paced(clock, "a", 1e-3), paced(clock, "b", 3e-4)]
    record = run(clock, *contestants)
    passes = len(record.contestants[0].seconds)
    before = 6  # one to be admitted, three to be checked, one to weigh, one to calibrate
    assert contestants[0].make.made == before + passes
    assert contestants[1].make.made == before + 2 * passes  # it is the fastest, and its copy is raced too


def test_the_order_within_rounds_is_random():
    clock, order = Clock(), []

    def noting(name):
        class Noting(FullMatrix):
            def step(self, x, y, eta):
                super().step(x, y, eta)
                order.append(name)
                clock.spend(3e-3)

        return made(name, Noting)

    run(clock, noting("a"), noting("b"))
    leaders = "".join(order)
    assert "aab" in leaders
    assert "bba" in leaders


def test_garbage_is_not_collected_inside_a_slice():
    clock = Clock()

    class Watching(FullMatrix):
        enabled = set()

        def step(self, x, y, eta):
            super().step(x, y, eta)
            if eta == 1e-6:
                self.enabled.add(gc.isenabled())
            clock.spend(1e-3)

    run(clock, made("watching", Watching), seconds=0.5)
    assert False in Watching.enabled
    assert gc.isenabled()


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


def test_a_slow_contestant_takes_fewer_rounds_and_meets_the_fast_one_in_each_of_them():
    clock = Clock()
    record = run(clock, paced(clock, "slow", 20e-3), paced(clock, "fast", 1e-4))
    slow, fast = record.contestants
    taken = [sum(t is not None for t in rounds) for rounds in slow.seconds]
    assert min(taken) >= 1
    assert sum(taken) * 2 <= sum(map(len, slow.seconds))
    assert all(t is not None for rounds in fast.seconds for t in rounds)
    assert speedups.speedup(record, fast).value == pytest.approx(200)


def test_two_slow_contestants_share_rounds_with_each_other():
    clock = Clock()
    record = run(clock, paced(clock, "per_sample", 25e-3), paced(clock, "b", 11e-3), paced(clock, "fast", 1e-4))
    both = sum(
        a is not None and b is not None
        for rounds in zip(record.contestants[0].seconds, record.contestants[1].seconds, strict=True)
        for a, b in zip(*rounds, strict=True)
    )
    assert both >= len(record.contestants[0].seconds)


def test_a_contestant_too_slow_for_the_budget_is_left_out_with_the_reason():
    clock = Clock()
    record = run(clock, paced(clock, "glacial", 0.5), paced(clock, "fast", 1e-4))
    glacial, fast = record.contestants
    assert glacial.left_out.startswith("too slow: a step takes 0.5 s, and 5 passes need 10.")
    assert not glacial.failed
    assert fast.seconds
    assert speedups.speedup(record, fast) is None  # the engine it would be relative to has no time


def test_the_race_keeps_to_its_budget():
    clock = Clock()
    record = run(clock, paced(clock, "a", 5e-3), paced(clock, "b", 2e-4), seconds=3.0)
    assert record.timed_seconds < 3.0
    assert clock.now < 3.5
    assert record.elapsed_seconds == pytest.approx(clock.now, abs=1e-3)


def test_with_nobody_left_the_record_says_why():
    clock = Clock()
    record = run(clock, paced(clock, "glacial", 5.0))
    assert record.contestants[0].left_out
    assert record.noise is None
    assert speedups.noise_floor(record) is None


def test_over_a_data_set_a_slice_is_an_epoch():
    clock = Clock()
    cell = Cell((64, 5, 10), batch=100, data="digits")
    record = run(clock, paced(clock, "a", 1e-3), paced(clock, "b", 2e-4), cell=cell, floor=True)
    assert [result.steps_per_slice for result in record.contestants] == [15, 15]
    assert speedups.speedup(record, record.contestants[1]).value == pytest.approx(5)
    assert record.floor is None, "one mini-batch over and over is no floor of a walk through the data"


def test_progress_rises_to_one():
    clock, shares = Clock(), []
    run(clock, paced(clock, "a", 1e-3), progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_record_tells_error_memory_and_machine(dtype):
    clock = Clock()
    record = run(clock, paced(clock, "a", 1e-3), cell=Cell((6, 4, 3), batch=5, dtype=dtype))
    (result,) = record.contestants
    assert 0 <= result.gradient_error < 1e-4
    parameters = 4 * (6 + 1) + 3 * (4 + 1)
    assert result.peak_bytes > parameters * np.dtype(dtype).itemsize
    assert {pool.threads for pool in record.environment.blas} == {1}
    assert record.environment.packages["numpy"] == np.__version__


def paced_floor(clock, seconds):
    class Paced(Floor):
        def step(self, x, y, eta):
            super().step(x, y, eta)
            clock.spend(seconds)

    return Paced


def products_taking(clock, seconds):
    return lambda network, x: [lambda: clock.spend(seconds)]


def test_the_floor_is_raced_in_the_same_rounds_and_is_no_contestant(monkeypatch):
    clock = Clock(pace=lambda now: 1.5 + 0.5 * np.sin(now * 7))
    monkeypatch.setattr(admission, "Floor", paced_floor(clock, 50e-6))
    contestants = [paced(clock, "a", 300e-6), paced(clock, "b", 100e-6)]
    record = run(clock, *contestants, floor=True)
    assert [result.name for result in record.contestants] == ["a", "b"]
    assert record.noise.of == "b"
    shares = [speedups.efficiency(record, result).value for result in record.contestants]
    assert shares == pytest.approx([1 / 6, 1 / 2], rel=0.02)
    assert [len(rounds) for rounds in record.floor.seconds] == [len(rounds) for rounds in record.noise.seconds]
    assert record.floor.gradient_error is None
    assert run(clock, *contestants).floor is None


@pytest.mark.parametrize(("seconds", "by"), [(20e-6, "own"), (90e-6, None)])
def test_the_floor_is_by_the_library_that_is_fastest(monkeypatch, seconds, by):
    clock = Clock()
    monkeypatch.setattr(admission, "Floor", paced_floor(clock, 50e-6))
    contestants = [paced(clock, name, 300e-6) for name in ("own", "same", "plain")]
    products = staticmethod(products_taking(clock, seconds - 50e-6))
    contestants[0].make.products = contestants[1].make.products = products
    record = run(clock, *contestants, floor=True)
    assert record.floor.by == by
    assert intervals.typical(record.floor.seconds).value == pytest.approx(min(seconds, 50e-6))


def test_a_floor_that_fails_leaves_the_other(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(admission, "Floor", paced_floor(clock, 50e-6))
    own = paced(clock, "own", 300e-6)
    own.make.products = staticmethod(lambda network, x: 1 / 0)
    record = run(clock, own, floor=True)
    assert record.floor.by is None
    assert record.floor.seconds
    assert not record.failures


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


def test_rungs_and_untraced_memory_are_as_the_engine_says():
    clock = Clock()
    one = paced(clock, "one", 100e-6)
    one.make.after, one.make.traced = "another", False
    (result,) = run(clock, one).contestants
    assert (result.after, result.peak_bytes) == ("another", None)


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
    assert "weights[0]" in record.hidden
    assert run(clock, paced(clock, "a", 1e-3)).hidden == []


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
