"""The memory that PyTorch and XLA tell of: as much as NumPy's by tracemalloc where the arrays are as many."""

import tracemalloc

import numpy as np
import pytest
from networks import samples_for

from backprop import InputError, Network, load

TOLD = ("torch_loop", "torch_vmap", "torch_hooks", "torch_eager", "torch_by_hand", "jax_loop", "jax_vmap", "jax_jit")


@pytest.fixture(params=TOLD)
def name(request):
    return request.param


def peak(name, batch, sizes=(200, 30, 10)):
    """The bytes that an engine holds, and those of the parameters and of the inputs."""
    try:
        engine = load(name)
    except InputError as error:
        pytest.skip(str(error))
    network = Network.random(sizes, np.random.default_rng(0), np.float32)
    x, y = samples_for(network, batch, False, 0)
    engine(network).step(x, y, 0.1)
    if engine.traced:
        tracemalloc.start()
        try:
            engine(network).step(x, y, 0.1)
            held = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    else:
        held = engine.peak_bytes(network, x, y)
    return held, sum(block.nbytes for block in network.weights + network.biases), x.nbytes


def test_parameters_are_among_it_and_the_batch_that_is_lent_is_not(name):
    if name in ("torch_vmap", "torch_hooks"):
        pytest.skip("it holds more than the batch")
    held, parameters, inputs = peak(name, 300, (784, 4, 2))
    assert parameters <= held < inputs


@pytest.mark.parametrize("keeps", ["stacked", "torch_vmap", "torch_hooks"])
def test_a_gradient_for_each_sample_takes_the_parameters_once_more_for_each(keeps):
    few, parameters, _ = peak(keeps, 8)
    many, _, _ = peak(keeps, 72)
    assert 60 * parameters < many - few < 70 * parameters


@pytest.mark.parametrize("sums", ["per_sample", "full_matrix", "torch_loop", "torch_eager", "jax_loop", "jax_jit"])
def test_a_gradient_of_the_whole_batch_does_not(sums):
    few, parameters, _ = peak(sums, 8)
    many, _, _ = peak(sums, 72)
    assert many - few < 2 * parameters


@pytest.mark.parametrize(
    ("theirs", "ours"), [("torch_vmap", "stacked"), ("torch_loop", "per_sample"), ("jax_loop", "per_sample")]
)
def test_the_same_arrays_are_the_same_bytes_in_every_library(theirs, ours):
    assert peak(theirs, 72)[0] == pytest.approx(peak(ours, 72)[0], rel=0.1)
