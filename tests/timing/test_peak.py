"""What the machine does at the most: measured in a process of its own, once in a race, and never in the way."""

import numpy as np
import pytest
from stand_ins import Clock, made, race_here

from backprop import cores, load
from bench.cells import capacity
from bench.cells.cell import Cell
from bench.cells.entry import Entry
from bench.timing import machine, one_pass, peak
from bench.timing.one_pass import PassJob, RaceJob

CELL = Cell((6, 4, 3), batch=5)


@pytest.fixture
def small(monkeypatch):
    """Everything is small: arrays of a megabyte, products of a moment."""
    monkeypatch.setattr(peak, "MOST_COPIED", 1 << 20)
    monkeypatch.setattr(peak, "PRODUCT_SECONDS", 1e-3)


def ticking(step):
    """A clock that is `step` seconds later each time it is asked."""
    now = iter(range(10**6))
    return lambda: step * next(now)


def test_the_rates_are_flops_and_bytes_over_the_seconds_of_one_call(monkeypatch):
    monkeypatch.setattr(peak, "perf_counter", ticking(0.01))
    assert peak.of_products("float64") == pytest.approx(2 * peak.SMALLEST**3 / 0.01)
    assert peak.of_copy(4 << 20, threads=2) == pytest.approx((4 << 20) / 0.01)
    assert peak.of_cached_copy(1 << 18) == pytest.approx(peak.COPIES * (1 << 18) / 0.01)


def test_a_copy_moves_half_of_the_bytes_to_the_other_half():
    part = np.arange(10, dtype=np.uint8)
    peak._copy(part)
    assert part.tolist() == [5, 6, 7, 8, 9, 5, 6, 7, 8, 9]


def test_products_grow_while_there_is_time(monkeypatch):
    clock, sizes = Clock(), []

    def gemm(_, a, *__):
        sizes.append(len(a))
        clock.now += 1e-9 * len(a) ** 3

    monkeypatch.setattr(peak, "get_blas_funcs", lambda *_, **__: [gemm])
    monkeypatch.setattr(peak, "perf_counter", clock)
    calls = peak.REPEATS + 1
    monkeypatch.setattr(peak, "PRODUCT_SECONDS", 1e-9 * 512**3 * calls * (1 / 8 + 1 + 8 + 0.5))
    assert peak.of_products("float64") == pytest.approx(2e9)
    assert sizes == [256] * calls + [512] * calls + [1024] * calls * 2, "the last ones in what was left of the time"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("threads", [1, 2])
def test_every_roof_is_found(monkeypatch, threads):
    monkeypatch.setattr(cores, "l2_bytes", lambda _: 1 << 19)
    monkeypatch.setattr(cores, "hertz", lambda _: 3.25e9)
    with machine.alone(threads):
        found = peak.measure("float32", threads)
    assert found.copied_bytes == 1 << 20
    assert found.hertz == 3.25e9
    for rate in (found.flops_per_second, found.copy_bytes_per_second, found.cache_bytes_per_second):
        assert 1e7 < rate < 1e14
        assert rate == float(f"{rate:.4g}")


@pytest.mark.usefixtures("small")
def test_what_the_system_does_not_tell_is_none(monkeypatch):
    monkeypatch.setattr(cores, "l2_bytes", lambda _: None)
    monkeypatch.setattr(cores, "hertz", lambda _: None)
    found = peak.measure("float64", 1)
    assert (found.cache_bytes_per_second, found.hertz) == (None, None)


def test_where_little_memory_is_left_there_is_no_peak(monkeypatch):
    monkeypatch.setattr(capacity, "available", lambda: 1 << 20)
    assert peak.measure("float64", 1) is None


@pytest.mark.parametrize(
    ("what", "error"), [("mmap", OSError("no room")), ("ThreadPoolExecutor", RuntimeError("none"))]
)
def test_a_limit_that_nobody_told_of_costs_the_peak_and_not_the_race(monkeypatch, what, error):
    def refuse(*_):
        raise error

    monkeypatch.setattr(peak, what, refuse)
    assert peak.measure("float64", 1) is None


def test_the_first_pass_measures_it_when_it_is_over_and_no_other_does(monkeypatch):
    seen = []

    class Looks(load("full_matrix")):
        def step(self, *arguments):
            super().step(*arguments)
            seen.append("step")

    def measure(dtype, threads):
        seen.append((dtype, threads))
        return "peak"

    monkeypatch.setattr(peak, "measure", measure)
    first = PassJob(RaceJob(CELL, [made("a", Looks)], 0.2, floor=False, pin=False), 0.01, seed=0)
    found = one_pass.run_in_child(first)
    assert found.peak == "peak"
    assert seen[-1] == ("float64", 1)
    assert seen.count(("float64", 1)) == 1
    later = PassJob(first.race, 0.01, seed=0, places=[place for place in found.found if not place.left_out])
    assert one_pass.run_in_child(later).peak is None
    nobody = PassJob(RaceJob(CELL, [], 1.0, floor=False, pin=False), 0.0, seed=0)
    assert one_pass.run_in_child(nobody).peak is None


@pytest.mark.usefixtures("few_passes")
def test_a_race_keeps_it_if_its_passes_are_processes():
    from bench.timing.race import race

    record = race(RaceJob(CELL, [Entry("full_matrix", "full_matrix")], 0.1, floor=False, pin=True))
    assert 1e8 < record.peak.flops_per_second < 1e14
    assert 1e8 < record.peak.copy_bytes_per_second < 1e13
    assert race_here(CELL, [made("a", load("full_matrix"))], seconds=0.05).peak is None
