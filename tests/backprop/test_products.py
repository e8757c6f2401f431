"""The products of a step: right in every form, written where they belong, and found by a trial."""

import tracemalloc

import numpy as np
import pytest
from networks import FEW, network_of, samples_for

from backprop import Network, load, products
from backprop.check.gradient import tolerance
from backprop.functions import EVERYWHERE, HEAD
from backprop.products import Blas, Plan, Products, Samples, cut, fastest

PLANS = [
    *[(columns, form, batch) for columns in ("samples", "units") for form in ("whole", "blocks") for batch in (1, 7)],
    ("samples", "vector", 1),
]


def by_scipy(calls, x, rate):
    """Each call in every way in which it can be made by SciPy's wrappers."""
    blas = Blas(x.dtype)
    for call in calls:
        if isinstance(call.a, Samples) or isinstance(call.b, Samples):
            blas.of_inputs(call)(x, rate)
        elif call.alpha is None:
            blas.of_rate(call)(rate)
        else:
            blas.ready(call)()


def compiled(calls, x, rate):
    blas, scalars = (pytest.importorskip("backprop.compiled." + name) for name in ("blas", "scalars"))
    table = blas.Table([calls], np.array([rate], x.dtype), x.shape)

    def make_all(rows, given):
        blas_make(rows, 0, len(rows), given.ctypes.data)

    global blas_make  # a global, as Numba wants it
    blas_make = blas.make
    scalars.compiled(make_all)(table.rows, np.ascontiguousarray(x.T))


@pytest.mark.parametrize("make", [by_scipy, compiled])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("columns", "form", "batch"), PLANS)
def test_every_form_gives_the_products_and_writes_them_in_place(monkeypatch, columns, form, batch, dtype, make):
    monkeypatch.setattr(products, "BLOCK", 100)  # so that even these are cut
    sizes = (9, 8, 6, 3)
    rng = np.random.default_rng(0)
    network = Network.random(sizes, rng, dtype)
    close = {"rtol": 0, "atol": tolerance(network, batch)}
    weights = list(network.copy().weights)
    made = Products(weights, batch, Plan(columns, (form,) * 8), signs=(-1, 1, -1))
    x = np.asfortranarray(rng.random((9, batch)), dtype)

    def by_samples(matrix):
        return matrix if columns == "samples" else matrix.T

    for layer, (w, z, sign) in enumerate(zip(weights, made.activations, (-1, 1, -1), strict=True)):
        assert np.shares_memory(z, made.all_activations)
        z[...] = rng.random(z.shape)
        below = by_samples(made.activations[layer - 1]) if layer else x
        expected = sign * (w @ below + by_samples(z))
        make(made.forward[layer], x, 0.0)
        np.testing.assert_allclose(by_samples(z), expected, **close)
    for layer in reversed(range(3)):
        made.deltas[layer][...] = rng.random(made.deltas[layer].shape)
        delta = by_samples(made.deltas[layer]).copy()
        if layer:
            make(made.down[layer], x, 0.0)
            np.testing.assert_allclose(by_samples(made.deltas[layer - 1]), weights[layer].T @ delta, **close)
        below = by_samples(made.activations[layer - 1]) if layer else x
        expected = weights[layer] - 0.5 * delta @ below.T
        make(made.update[layer], x, -0.5)
        np.testing.assert_allclose(weights[layer], expected, **close)


def test_the_products_alone_are_those_of_a_step_over_numbers_that_stay_what_they_are():
    network = Network.random((9, 8, 6, 3), np.random.default_rng(0))
    weights = network.copy().weights
    alone = Products.alone(weights, 7)
    x = np.asfortranarray(np.random.default_rng(1).random((9, 7)))
    before = [array.copy() for array in (alone.all_activations, alone.deltas[-1], *weights)]
    assert all(array.std() > 0.01 for array in before), "not zeros, which might be faster"
    assert [len(product) > 0 for product in alone.in_order] == [True] * 7 + [False, True]
    for _ in range(1000):
        for product in alone.in_order:
            by_scipy(product, x, None)
    for was, now in zip(before, (alone.all_activations, alone.deltas[-1], *weights), strict=True):
        np.testing.assert_allclose(now, was, rtol=0, atol=1e-6)


@pytest.mark.parametrize("units", [1, 2, 3, 10, 999])
def test_blocks_are_small_enough_and_make_up_the_whole(units):
    wt, z = np.empty((784, units), order="F"), np.empty((units, 1000), order="F")
    parts = cut(wt, z, "blocks")
    if units == 1:
        assert len(parts) == 2
    assert [part.stop for part in parts[:-1]] == [part.start for part in parts[1:]]
    assert (parts[0].start, parts[-1].stop) == (0, 1000)
    assert max(part.stop - part.start for part in parts) * 784 * units <= 1.5 * products.BLOCK + 784 * units
    assert cut(wt, z, "whole") == [None]


def test_the_trial_takes_the_plan_that_takes_least_time(monkeypatch):
    """Time goes by only while a product is run: units of columns 1, samples 3, and in blocks half of it."""
    now = [0.0]

    class Timed(Products):
        def __init__(self, weights, batch, plan=None):
            super().__init__(weights, batch, plan)
            self.plan = plan

        @property
        def in_order(self):
            whole = "whole" in self.plan.forms
            cost = (3.0 if self.columns == "samples" else 1.0) * (1.0 if whole else 0.5)
            return [[cost]] * 5

    class Spends:
        def __init__(self, dtype):
            pass

        def ready(self, cost, x):
            return lambda: now.__setitem__(0, now[0] + cost)

    monkeypatch.setattr(Products, "alone", Timed)
    monkeypatch.setattr(products, "Blas", Spends)
    monkeypatch.setattr(products, "perf_counter", lambda: now[0])
    monkeypatch.setattr(products, "BLOCK", 10)  # so that even these are cut
    fastest.cache_clear()
    try:
        assert fastest((4, 3, 2), 8, "float64", 1) == Plan("units", ("blocks",) * 5)
    finally:
        fastest.cache_clear()


@pytest.mark.parametrize("name", ["in_place", "fused", "numba_jit"])
@pytest.mark.parametrize("batch", [1, 32])
@pytest.mark.parametrize(("hidden", "head"), [*FEW, (tuple(EVERYWHERE), HEAD)])
def test_updates_land_in_place_and_a_step_allocates_no_array(name, batch, hidden, head):
    sizes = (784, 1000, 600, 500)  # the smallest array that a step might make has 4000 bytes
    network = network_of(sizes, "float64", hidden, head)
    if name == "numba_jit":
        pytest.importorskip("numba")
    engine = load(name)(network)
    x, y = samples_for(network, batch)
    engine.step(x, y, 1e-3)
    held = [*engine.own.weights, *engine.own.biases]
    before = [block.copy() for block in held]
    tracemalloc.start()
    try:
        engine.step(x, y, 1e-3)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4000, "more than the interpreter's own objects take"
    after = [*engine.own.weights, *engine.own.biases]
    for was, old, now in zip(before, held, after, strict=True):
        assert np.shares_memory(old, now)
        assert not np.array_equal(was, now), "the update went to a copy"
