"""The race by scripted clocks: exact factors, passes and rounds, the budget, and what the record tells."""

import gc

import numpy as np
import pytest
from scripted import CELL, Clock, paced, run
from stand_ins import made

from backprop import load
from bench.analysis import intervals, speedups
from bench.cells.cell import Cell

FullMatrix = load("full_matrix")


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


def test_the_race_keeps_to_its_budget():
    clock = Clock()
    record = run(clock, paced(clock, "a", 5e-3), paced(clock, "b", 2e-4), seconds=3.0)
    assert clock.now < 3.5, "the checks come on top"
    assert record.elapsed_seconds == pytest.approx(clock.now, abs=1e-3)


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


def test_rungs_and_untraced_memory_are_as_the_engine_says():
    clock = Clock()
    one = paced(clock, "one", 100e-6)
    one.make.after, one.make.traced = "another", False
    (result,) = run(clock, one).contestants
    assert (result.after, result.peak_bytes) == ("another", None)


def test_memory_that_tracemalloc_cannot_see_is_asked_of_the_engine():
    clock = Clock()

    class Elsewhere(FullMatrix):
        traced = False

        @classmethod
        def peak_bytes(cls, network, x, y):
            return 1000 * len(x) + len(network.weights)

    (result,) = run(clock, paced(clock, "elsewhere", 1e-3, Elsewhere)).contestants
    assert result.peak_bytes == 1000 * CELL.batch + 2
