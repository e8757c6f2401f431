"""The contract that every engine keeps; none is named here, so a new file in the folder is tested as it is."""

import tracemalloc
from functools import cache
from itertools import accumulate, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from networks import COMBINATIONS, FEW, network_of, samples_for

from backprop import load, names
from backprop.check import verify
from backprop.check.gradient import clear_of_kinks, tolerance
from backprop.functions import EVERYWHERE, HEADS

quick = settings(max_examples=40, deadline=None)
DTYPES = ["float32", "float64"]

SHAPES = [((5, 4, 3), "float32"), ((4, 1, 3, 2), "float32"), ((3, 4, 2, 3, 2), "float64"), ((4, 2, 1), "float64")]
SHAPES += [((4, 3), "float32"), ((3, 4, 3, 1), "float64")]  # every depth, both precisions, a width of 1
FIXED = [(sizes, 6, dtype, 0, *functions) for (sizes, dtype), functions in zip(SHAPES, FEW, strict=True)]


def handled(engine, functions):
    """Those of these pairs of hidden activations and a head that the engine can train."""
    return [pair for pair in functions if not engine.handles(network_of((3, 3, 3, 3, 3), "float64", *pair))]


@cache
def problems(engine):
    """Layer sizes, batch, dtype, a seed and functions; a few fixed ones for an engine that compiles for seconds."""
    if engine.compiles:
        return st.sampled_from(FIXED[:3])
    sizes, seeds = st.lists(st.integers(1, 12), min_size=2, max_size=5), st.integers(0, 2**32 - 1)
    pairs = handled(engine, [*COMBINATIONS, *product(product(EVERYWHERE, repeat=3), HEADS)])
    plain = st.tuples(sizes, st.integers(1, 12), st.sampled_from(DTYPES), seeds)
    return st.tuples(plain, st.sampled_from(pairs)).map(lambda drawn: drawn[0] + drawn[1])


def one_of_each(engine):
    """A problem for each combination of functions in both precisions; the fixed ones where these take seconds."""
    every = handled(engine, COMBINATIONS)
    return FIXED if engine.compiles else [((8, 6, 5, 3), 6, dtype, 0, *pair) for pair in every for dtype in DTYPES]


def make(engine, sizes, samples, dtype, seed, hidden=None, head=None):
    """A network with samples that fit it and keep clear of kinks; of the first functions that the engine handles."""
    functions = (hidden, head) if hidden else handled(engine, COMBINATIONS)[0]
    network = network_of(sizes, dtype, *functions, seed)
    if engine.handles(network):  # such as one with too few outputs for it
        assume(False)
    x, y = samples_for(network, samples, engine.labels_only, seed)
    return network, clear_of_kinks(network, x), y


def rate(network):
    """A learning rate: small where layers are not bounded, as they might run away, and rounding with them."""
    return 0.5 if all(function.damps for function in network.functions) else 0.02


def stepped(engine, network, *steps):
    made = engine(network)
    for x, y, eta in steps:
        made.step(x, y, eta)
    return made.network()


def blocks(network):
    return network.weights + network.biases


def between(left, right, share):
    """The network that lies at this share of the way from one to the other."""
    mixed = [((1 - share) * a + share * b).astype(a.dtype) for a, b in zip(blocks(left), blocks(right), strict=True)]
    return left.like(mixed[: len(left.weights)], mixed[len(left.weights) :])


def assert_close(left, right, scale):
    """Equal to the rounding of a step: relative to the largest parameter of each block, or to what was added to it."""
    for a, b in zip(blocks(left), blocks(right), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=scale * max(1.0, float(np.max(np.abs(b)))))


@quick
@given(data=st.data())
def test_a_step_follows_the_gradient(engine, data):
    if engine.compiles:
        pytest.skip("the fixed problems are checked one by one")
    sizes, batch, dtype, *more = data.draw(problems(engine))
    network, x, y = make(engine, sizes, batch + 1, dtype, *more)
    assert verify(engine, network, x, y, batch, engine.labels_only) <= tolerance(network, batch + 1)


def test_a_step_follows_the_gradient_with_every_function(engine):
    for sizes, batch, *more in one_of_each(engine):
        network, x, y = make(engine, sizes, batch + 1, *more)
        assert verify(engine, network, x, y, batch, engine.labels_only) <= tolerance(network, batch + 1), more


@quick
@given(data=st.data())
def test_the_order_of_samples_does_not_matter(engine, data):
    sizes, batch, dtype, *more = data.draw(problems(engine))
    network, x, y = make(engine, sizes, batch, dtype, *more)
    order = np.random.default_rng(more[0]).permutation(batch)
    scale, eta = tolerance(network, batch), rate(network)
    assert_close(stepped(engine, network, (x[order], y[order], eta)), stepped(engine, network, (x, y, eta)), scale)


@quick
@given(data=st.data())
def test_a_batch_twice_over_is_the_same_step(engine, data):
    sizes, batch, dtype, *more = data.draw(problems(engine))
    network, x, y = make(engine, sizes, batch, dtype, *more)
    twice, once = (np.concatenate([x, x]), np.concatenate([y, y]), rate(network)), (x, y, rate(network))
    assert_close(stepped(engine, network, twice), stepped(engine, network, once), tolerance(network, 2 * batch))


@quick
@given(data=st.data())
def test_a_step_is_the_mean_of_the_steps_of_its_parts(engine, data):
    sizes, batch, dtype, *more = data.draw(problems(engine))
    assume(batch > 1)
    network, x, y = make(engine, sizes, batch, dtype, *more)
    half, eta = batch // 2, rate(network)
    first, second = (stepped(engine, network, (x[part], y[part], eta)) for part in (slice(half), slice(half, None)))
    mean = between(first, second, (batch - half) / batch)
    assert_close(stepped(engine, network, (x, y, eta)), mean, tolerance(network, batch))


@quick
@given(data=st.data())
def test_eta_zero_changes_nothing_and_steps_scale_with_eta(engine, data):
    sizes, batch, dtype, *more = data.draw(problems(engine))
    network, x, y = make(engine, sizes, batch, dtype, *more)
    for before, after in zip(blocks(network), blocks(stepped(engine, network, (x, y, 0.0))), strict=True):
        np.testing.assert_array_equal(before, after)
    one, two = (stepped(engine, network, (x, y, eta)) for eta in (rate(network) / 2, rate(network)))
    assert_close(one, between(network, two, 0.5), tolerance(network, batch))


@quick
@given(data=st.data())
def test_steps_of_changing_length_end_where_another_engine_does(engine, data):
    sizes, batch, dtype, *more = data.draw(problems(engine))
    pool = st.sampled_from([batch, batch // 2 or 1])
    lengths = [6, 3, 6] if engine.compiles else data.draw(st.lists(pool | st.integers(1, 12), min_size=2, max_size=5))
    network, x, y = make(engine, sizes, max(lengths), dtype, *more)
    assume(dtype == "float64" or not any(function.kink for function in network.functions))  # may be crossed later on
    steps = [(x[:length], y[:length], rate(network)) for length in lengths]
    scale = len(lengths) * tolerance(network, max(lengths))
    assert_close(stepped(engine, network, *steps), stepped(load("per_sample"), network, *steps), scale)


def spread(array):
    """The same values, one element in two of a larger array."""
    wide = np.full((2 * array.shape[0], 2 * array.shape[1]), np.nan, array.dtype)
    wide[::2, ::2] = array
    return wide[::2, ::2]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "other",
    [spread, np.asfortranarray, lambda a: a.astype("float32"), lambda a: a.astype("float64"), lambda a: a[::-1][::-1]],
    ids=["strided", "fortran", "float32", "float64", "reversed twice"],
)
def test_inputs_of_another_layout_or_precision_make_the_same_step(engine, other, dtype):
    network, x, y = make(engine, (5, 4, 3), 6, "float32", 0)
    network = network.like(*([b.astype(dtype) for b in part] for part in (network.weights, network.biases)))
    exact = stepped(engine, network, (x.astype(dtype), y.astype(dtype), 0.5))
    after = stepped(engine, network, (other(x), other(y), 0.5))
    assert after.dtype == dtype
    assert_close(after, exact, tolerance(network, 6))


def test_two_engines_share_no_memory_with_each_other_or_the_network(engine):
    network, x, y = make(engine, (5, 4, 3), 6, "float64", 0)
    original = network.copy()
    first, second = engine(network), engine(network)
    first.step(x, y, 1.0)
    taken = first.network()
    kept = taken.copy()
    first.step(x, y, 1.0)
    for left, right in ((second.network(), original), (network, original), (taken, kept)):
        for a, b in zip(blocks(left), blocks(right), strict=True):
            np.testing.assert_array_equal(a, b)


def test_what_is_kept_for_each_batch_length_is_bounded(engine):
    if not engine.traced:
        pytest.skip("its arrays are not NumPy's")
    network, x, y = make(engine, (4, 100, 3), 300, "float64", 0)

    def kept(*lengths):
        tracemalloc.start()
        try:
            made = engine(network)
            for length in lengths:
                made.step(x[:length], y[:length], 0.1)
            return tracemalloc.get_traced_memory()[0], made.network()
        finally:
            tracemalloc.stop()

    kept(300)  # what is compiled or found out once in a process
    alone, _ = kept(300)
    many, after = kept(*range(270, 301))
    assert many < 5 * alone
    steps = [(x[:length], y[:length], 0.1) for length in range(270, 301)]
    assert_close(after, stepped(load("per_sample"), network, *steps), 31 * tolerance(network, 300))


def test_saturated_activations_raise_no_warning(engine):
    for problem in FIXED[:3] if engine.compiles else one_of_each(engine):
        network, x, y = make(engine, *problem)
        far = network.like([1e5 * w for w in network.weights], network.biases)
        after = stepped(engine, far, (x, y, 1.0))
        assert all(np.isfinite(block).all() for block in blocks(after)), problem


def test_parameters_that_are_no_numbers_raise_no_warning(engine):
    """Nor does what BLAS says of others: on some machines it calls finite products invalid."""
    if engine.labels_only:
        pytest.skip("scikit-learn refuses them itself")
    network, x, y = make(engine, *one_of_each(engine)[0])
    opposite = np.resize([np.inf, -np.inf], network.weights[-1].shape[::-1]).T.astype(network.dtype)
    after = stepped(engine, network.like([*network.weights[:-1], opposite], network.biases), (x, y, 1.0))
    assert np.isnan(after.weights[-1]).all()


def test_the_network_keeps_sizes_dtype_and_functions(engine):
    network, x, y = make(engine, (5, 4, 3), 6, "float32", 0)
    after = stepped(engine, network, (x, y, 1.0))
    assert (after.sizes, after.dtype) == (network.sizes, network.dtype)
    assert (after.activations, after.cost) == (network.activations, network.cost)


def test_a_rung_names_the_one_before_it(engine):
    assert engine.after is None or engine.after in names()


@pytest.mark.parametrize(("sizes", "samples", "dtype"), [((6, 4, 3, 2), 5, "float64"), ((6, 3), 1, "float32")])
def test_an_engine_with_a_library_of_its_own_makes_the_products_of_a_step(engine, sizes, samples, dtype):
    if engine.products is None:
        pytest.skip("its products are NumPy's BLAS's")
    network, x, _ = make(engine, sizes, samples, dtype, 0)
    calls = engine.products(network, x)
    if calls[0]() is None:
        pytest.skip("they add to what is there: test_compiled.py")
    ins = list(accumulate(network.weights, lambda a, w: a @ w.T, initial=x))
    right = ins[1:]
    for layer in reversed(range(len(network.weights))):
        if layer:
            right.append(ins[layer + 1] @ network.weights[layer])
        right.append(ins[layer + 1].T @ ins[layer])
    for _ in range(2):  # as often as one likes
        given = [call() for call in calls]
        made = [array for one in given for array in (one if isinstance(one, list) else [one])]
        for theirs, ours in zip(made, right, strict=True):
            np.testing.assert_allclose(theirs, ours, rtol=1e-4 if dtype == "float32" else 1e-12)
