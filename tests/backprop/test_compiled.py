"""What Numba compiles: right to a few units in the last place everywhere, without allocation, kept on the disk."""

import os
import shutil
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from networks import COMBINATIONS, network_of, samples_for

import backprop
from backprop import load
from backprop.products import Products

pytest.importorskip("numba")
mpmath = pytest.importorskip("mpmath")

from numba.core.runtime import _nrt_python, rtsys  # noqa: E402

from backprop.compiled import scalars  # noqa: E402

DTYPES = ["float32", "float64"]
EXACT = {
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "tanh": mpmath.tanh,
    "decayed": lambda x: mpmath.exp(-abs(x)),
}
SLOPES = {
    "sigmoid_slope": lambda a: a * (1 - a),
    "tanh_slope": lambda a: 1 - a * a,
    "relu_slope": lambda a: (a > 0) * 1.0,
    "relu": lambda z: max(z, 0),
}
WORST = 4  # units in the last place; measured: 2.2, 3.6 and 1.7


def compiled(name):
    """The function over an array, in a loop that LLVM vectorises."""
    function = getattr(scalars, name)

    @scalars.compiled
    def loop(z):
        for i in range(len(z)):
            z[i] = function(z[i])

    def new(z):
        out = z.copy()
        loop(out)
        return out

    return new


def all_over(dtype):
    """Numbers of every size that there is, of both signs: from the smallest below the normal ones to the largest."""
    rng, of = np.random.default_rng(0), np.finfo(dtype)
    sizes = 2.0 ** rng.uniform(np.log2(float(of.smallest_subnormal)), np.log2(float(of.max)) - 0.01, 500)
    ends = [0.0, of.smallest_subnormal, of.tiny, of.max, of.eps, 1.0, np.log(2) / 2, np.log(2)]
    near = rng.uniform(0, 1.1 * float(-np.log(of.smallest_subnormal)), 700)  # to where exp is 0
    numbers = np.concatenate([sizes, ends, near, rng.uniform(0, 20, 700), rng.uniform(0, 1, 500)])
    return np.concatenate([numbers, -numbers]).astype(dtype)


def off_by(found, exact, dtype):
    """How far a number is from the exact one, in units of the last place that the dtype has there."""
    unit = mpmath.mpf(float(np.spacing(np.abs(dtype(float(exact))))))
    return abs(mpmath.mpf(float(found)) - exact) / unit


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXACT)
def test_functions_are_right_to_a_few_units_in_the_last_place_over_the_whole_range(name, dtype):
    z = all_over(dtype)
    with mpmath.workprec(120):
        exact = [EXACT[name](mpmath.mpf(float(number))) for number in z]
        wrong = [float(off_by(*pair, np.dtype(dtype).type)) for pair in zip(compiled(name)(z), exact, strict=True)]
    worst = int(np.argmax(wrong))
    assert wrong[worst] < WORST, (z[worst], compiled(name)(z[worst : worst + 1]), exact[worst])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SLOPES)
def test_slopes_and_relu_are_what_they_are(name, dtype):
    a = np.linspace(-1, 1, 999).astype(dtype)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(compiled(name)(a), [SLOPES[name](x) for x in a], rtol=2 * eps, atol=eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_infinities_have_their_limits_and_nan_stays_nan(dtype):
    ends = np.array([-np.inf, np.inf] * 20, dtype)  # enough for vectors, and a rest
    for name, limits in {"sigmoid": (0, 1), "tanh": (-1, 1), "decayed": (0, 0), "relu": (0, np.inf)}.items():
        np.testing.assert_array_equal(compiled(name)(ends), np.array(limits * 20, dtype))
        assert np.isnan(compiled(name)(np.full(37, np.nan, dtype))).all(), name


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("functions", COMBINATIONS)
def test_nan_in_a_sample_makes_the_parameters_that_it_reaches_nan(functions, dtype):
    network = network_of((5, 40, 4), dtype, *functions)
    x, y = samples_for(network, 37)
    x[20, 2] = np.nan
    made = load("numba_jit")(network)
    made.step(x, y, 0.1)
    after = made.network()
    assert np.isnan(after.biases[-1]).all()
    assert np.isnan(after.weights[0][:, 2]).any()


@pytest.mark.parametrize("batch", [1, 7, 300])
@pytest.mark.parametrize(("hidden", "head"), COMBINATIONS)
def test_a_step_allocates_nothing_but_what_takes_the_arrays_that_it_is_given(batch, hidden, head):
    _nrt_python.memsys_enable_stats()
    network = network_of((20, 300, 9, 4), "float64", hidden, head)
    x, y = samples_for(network, batch)
    engine = load("numba_jit")(network)
    engine.step(x, y, 0.1)
    before = rtsys.get_allocation_stats()
    engine.step(x, y, 0.1)
    after = rtsys.get_allocation_stats()
    assert after.alloc - before.alloc <= 3, "the table, x and y"
    assert after.free - before.free == after.alloc - before.alloc


def test_parameters_and_workspace_are_one_flat_array_each():
    network = network_of((6, 5, 4, 3), "float64", ("sigmoid", "sigmoid"), "sigmoid-quadratic")
    engine = load("numba_jit")(network)
    x, y = samples_for(network, 7)
    engine.step(x, y, 0.1)
    for block in (*engine.own.weights, *engine.own.biases):
        assert np.shares_memory(block, engine.parameters)
        assert block.ctypes.data % 64 == 0
    (work,) = engine.workspaces.values()
    for row in work.table[: work.depth]:
        addresses = row[5:7]
        assert all(0 <= address - work.memory.ctypes.data < work.memory.nbytes for address in addresses)


def test_the_compiled_floor_makes_the_products_alone():
    network = network_of((9, 8, 6, 3), "float64", ("sigmoid", "sigmoid"), "sigmoid-quadratic")
    x, _ = samples_for(network, 7)
    kept, x_kept = network.copy(), x.copy()
    made = []

    def noted(cls, weights, batch, plan=None):
        made.append((original(cls, weights, batch, plan), [w.copy() for w in weights]))
        return made[-1][0]

    original = Products.alone.__func__
    Products.alone = classmethod(noted)
    try:
        (call,) = load("numba_jit").products(network, x)
    finally:
        Products.alone = classmethod(original)
    alone, _ = made[-1]  # before it were those of the trial
    for flat in (alone.deltas[0], alone.deltas[1]):
        flat[...] = np.nan
    call()
    for layer in (0, 1):
        assert np.isfinite(alone.deltas[layer]).all(), "the error was taken down"
    for before, after in zip((*kept.weights, x_kept), (*network.weights, x), strict=True):
        np.testing.assert_array_equal(before, after)


SCRIPT = """
import sys
import numpy as np
if "forbidden" in sys.argv:
    import numba.core.compiler
    def refuse(*_, **__):
        sys.exit("compiled")
    numba.core.compiler.compile_extra = refuse
from backprop import Network, load
products = load("numba_jit").products(Network.random((4, 3), np.random.default_rng(0)), np.ones((2, 4)))
products[0]()
"""


@pytest.fixture
def copy(tmp_path):
    """A copy of the package, and a way to run the script with it, told whether anything may be compiled."""
    shutil.copytree(Path(backprop.__file__).parent, tmp_path / "backprop", ignore=shutil.ignore_patterns("__pycache__"))

    def run(*arguments):
        environment = {**os.environ, "PYTHONPATH": str(tmp_path), "HOME": str(tmp_path / "home")}
        environment.pop("XDG_CACHE_HOME", None)
        command = [sys.executable, "-c", SCRIPT, *arguments]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)

    run.folder = tmp_path / "backprop"
    return run


def test_compiled_code_is_kept_until_a_file_of_it_changes(copy):
    assert "compiled" in copy("forbidden").stderr, "nothing is there yet"
    assert copy().returncode == 0
    assert copy("forbidden").returncode == 0
    with (copy.folder / "compiled/passes.py").open("a") as file:
        file.write("# changed\n")
    assert "compiled" in copy("forbidden").stderr


def test_where_our_folder_cant_be_written_numbas_next_choice_which_forgets_our_states_is_not_taken(copy):
    (copy.folder / "compiled/__pycache__").write_text("in the way")
    assert copy().returncode == 0
    assert "compiled" in copy("forbidden").stderr


def test_code_of_an_earlier_state_goes_when_the_next_is_kept(copy):
    copy()
    with (copy.folder / "compiled/passes.py").open("a") as file:
        file.write("# changed\n")
    copy()
    assert len(list((copy.folder / "compiled/__pycache__").glob("backprop-*"))) == 1


@pytest.mark.parametrize(
    ("x", "y"), [((784,), (10,)), ((5, 28, 28), (5, 10)), ((5, 700), (5, 10)), ((5, 784), (5, 1)), ((5, 784), (4, 10))]
)
def test_inputs_of_another_shape_are_refused_before_memory_is_touched(x, y):
    engine = load("numba_jit")(network_of((784, 30, 10), "float64", ("sigmoid",), "sigmoid-quadratic"))
    with pytest.raises(ValueError, match="are not"):
        engine.step(np.ones(x), np.ones(y), 0.1)


def test_a_step_needs_no_memory_for_inputs_that_it_does_not_copy():
    engine = load("numba_jit")(network_of((784, 30, 10), "float64", ("sigmoid",), "sigmoid-quadratic"))
    x, y = np.ones((1000, 784)), np.ones((1000, 10))
    load("fused")(engine.network()).step(x, y, 0.1)  # the forms of its products are found
    tracemalloc.start()
    try:
        engine.step(x, y, 0.1)
        assert tracemalloc.get_traced_memory()[1] < x.nbytes / 2
    finally:
        tracemalloc.stop()


def test_where_nothing_can_be_kept_it_works_all_the_same(copy):
    for place in ("compiled/__pycache__", "engines/__pycache__"):
        (copy.folder / place).write_text("in the way")
    (copy.folder.parent / "home").write_text("in the way")
    done = copy()
    assert (done.returncode, done.stderr) == (0, "")
    assert "compiled" in copy("forbidden").stderr
