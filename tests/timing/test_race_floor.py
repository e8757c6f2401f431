"""The floor in the race: in the same rounds, by the library that is fastest, and no contestant."""

import numpy as np
import pytest
from scripted import Clock, paced, run

from bench.analysis import intervals, speedups
from bench.timing import admission
from bench.timing.floor import Floor


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
