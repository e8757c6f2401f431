"""What a race runs over: samples of the cell's shape and dtype, at an address that is no matter of chance."""

import numpy as np
import pytest

from bench.cells.cell import Cell
from bench.cells.inputs import prepare


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("data", ["random", "digits"])
def test_samples_start_at_a_cache_line_in_c_order(dtype, data):
    for seed in range(5):
        inputs = prepare(Cell((64, 7, 10), 9, dtype, data=data), np.random.default_rng(seed))
        for array, width in ((inputs.x, 64), (inputs.y, 10), (inputs.batches[0][0], 64)):
            assert array.ctypes.data % 64 == 0
            assert array.flags.c_contiguous
            assert array.dtype == dtype
            assert array.shape[1] == width
        assert len(inputs.x) > 9


def test_an_epoch_is_every_sample_once_in_order():
    inputs = prepare(Cell((64, 7, 10), 100, data="digits"), np.random.default_rng(0))
    np.testing.assert_array_equal(np.concatenate([x for x, _ in inputs.batches]), inputs.x)
    assert inputs.steps == len(inputs.batches)
    assert [len(x) for x, _ in inputs.batches[:-1]] == [100] * (len(inputs.batches) - 1)
