"""Training runs by a scripted clock: the same network, the same samples, times side by side."""

import numpy as np
import pytest
from stand_ins import Clock, made, paced
from wrong_state import Momentum

from backprop import EngineError, GradientError, InputError, load
from bench.cells import datasets
from bench.cells.cell import Cell
from bench.timing.training import train

CELL = Cell((64, 10, 10), batch=10, data="digits")
FullMatrix = load("full_matrix")


def run(*contestants, clock, cell=CELL, epochs=3, seed=0, eta=3.0):
    return list(train(contestants, cell, datasets.read("digits"), eta=eta, epochs=epochs, seed=seed, clock=clock))


def test_epochs_side_by_side():
    clock = Clock()
    epochs = run(paced(clock, "slow", 5e-3), paced(clock, "fast", 1e-3), clock=clock)
    assert [epoch.number for epoch in epochs] == [1, 2, 3]
    for epoch in epochs:
        assert epoch.seconds == pytest.approx({"slow": 144 * 5e-3, "fast": 144 * 1e-3})  # 1,437 samples in tens
        assert epoch.scores["slow"] == epoch.scores["fast"]
    assert epochs[2].scores["fast"] > epochs[0].scores["fast"] > 0.5


def test_a_seed_repeats_the_run_and_every_float64_engine_ends_at_the_same_accuracy():
    clock = Clock()
    field = [made(name, load(name)) for name in ("per_sample", "full_matrix")]
    one, again, other = (run(*field, clock=clock, seed=seed)[-1].scores for seed in (5, 5, 6))
    assert one == again
    assert len(set(one.values())) == 1
    assert other != one


def test_a_network_that_does_not_fit_the_data_is_refused():
    clock = Clock()
    with pytest.raises(InputError, match="must begin with 64 and end with 10"):
        run(paced(clock, "a", 1), clock=clock, cell=Cell((784, 30, 10), batch=10))
    with pytest.raises(InputError, match="batch must be below 1437"):
        run(paced(clock, "a", 1), clock=clock, cell=Cell((64, 30, 10), batch=5000))


def test_an_engine_that_is_wrong_or_raises_is_named():
    clock = Clock()

    class Wrong(FullMatrix):
        def step(self, x, y, eta):
            super().step(x, y, 2 * eta)

    class Raises(FullMatrix):
        def step(self, x, y, eta):
            super().step(x, y, eta)
            if eta == 3.0:
                raise MemoryError("no room")

    with pytest.raises(GradientError, match="engine wrong: the gradient of"):
        run(made("wrong", Wrong), clock=clock)
    with pytest.raises(EngineError, match=r"engine raises: MemoryError: no room"):
        run(made("raises", Raises), clock=clock)


def test_first_steps_of_each_batch_length_are_off_the_clock():
    clock = Clock()

    class Compiles(FullMatrix):
        def __init__(self, network):
            super().__init__(network)
            self.seen = set()

        def step(self, x, y, eta):
            super().step(x, y, eta)
            clock.now += 1e-3 if len(x) in self.seen else 60.0
            self.seen.add(len(x))

    (epoch,) = run(made("a", Compiles), clock=clock, epochs=1)  # 143 tens, and 7
    assert epoch.seconds["a"] == pytest.approx(144 * 1e-3)


def test_shuffles_do_not_depend_on_who_else_is_trained():
    clock = Clock()
    alone = run(paced(clock, "a", 1), clock=clock)
    together = run(paced(clock, "b", 2), paced(clock, "a", 1), clock=clock)
    assert [epoch.scores["a"] for epoch in alone] == [epoch.scores["a"] for epoch in together]
    assert np.all([epoch.scores["a"] > 0.1 for epoch in alone])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_momentum_is_refused_before_anything_is_trained(dtype):
    clock = Clock()
    with pytest.raises(GradientError, match=r"engine momentum: .* something is carried from step to step"):
        run(made("momentum", Momentum), clock=clock, cell=Cell((64, 10, 10), 10, dtype, data="digits"))


def test_an_input_error_of_an_engine_is_the_engines_fault():
    class Mixed(FullMatrix):
        def network(self):
            raise InputError("as if the caller had made it")

    with pytest.raises(EngineError, match="engine mixed: InputError: as if the caller had made it"):
        run(made("mixed", Mixed), clock=Clock())
