"""The floor: every product of a step is made, and nothing else."""

import numpy as np
import pytest

from backprop import Network, products
from backprop.products import fastest
from bench.cells.cell import Cell
from bench.timing.floor import Floor


@pytest.fixture
def calls(monkeypatch):
    """The BLAS calls that a floor makes, by routine and shapes; the arithmetic is done as well."""
    noted = []
    real = products.get_blas_funcs

    def get(names, dtype):
        def noting(name, function):
            return lambda *arguments: noted.append((name, arguments)) or function(*arguments)

        return [noting(name, function) for name, function in zip(names, real(names, dtype=dtype), strict=True)]

    monkeypatch.setattr(products, "get_blas_funcs", get)
    return noted


def flops(name, arguments):
    """Of one call: twice the multiply-adds."""
    arrays = [a for a in arguments if isinstance(a, np.ndarray)]
    if name == "gemm":  # A, B and C: each index of the product is in two of them
        a, b, c = arrays
        return 2 * round((a.size * b.size * c.size) ** 0.5)
    return 2 * max(array.size for array in arrays)  # gemv, ger: each weight once


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [1, 7, 300])
def test_it_makes_the_products_of_a_step_and_nothing_else(calls, batch, dtype):
    cell = Cell((20, 9, 5, 3), batch, dtype)
    floor = Floor(Network.random(cell.sizes, np.random.default_rng(0), dtype))
    x, y = np.ones((batch, 20), dtype), np.ones((batch, 3), dtype)
    floor.step(x, y, 0.0)  # the forms of its products are tried out
    calls.clear()
    floor.step(x, y, 0.0)
    assert sum(flops(*call) for call in calls) == cell.flops
    assert any(np.shares_memory(x, a) for _, arrays in calls for a in arrays if isinstance(a, np.ndarray)), "as engines"
    once = len(calls)
    floor.step(x, y, 0.0)
    assert len(calls) == 2 * once
    assert all(first is second for one, two in zip(calls[:once], calls[once:], strict=True)
               for first, second in zip(one[1], two[1], strict=True)), "the very same arrays"  # fmt: skip


def test_it_plans_as_fused_does_and_leaves_the_network_alone():
    network = Network.random((20, 9, 3), np.random.default_rng(0))
    kept = network.copy()
    floor = Floor(network)
    floor.step(np.ones((7, 20)), np.ones((7, 3)), 0.0)
    floor.step(np.ones((4, 20)), np.ones((4, 3)), 0.0)  # another length has calls of its own
    assert fastest.cache_info().currsize
    for a, b in zip(network.weights + network.biases, kept.weights + kept.biases, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(floor.network().weights, kept.weights, strict=True):
        np.testing.assert_array_equal(a, b)
