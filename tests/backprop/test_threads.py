"""Equal threads: the pools and the cores, limited and given back."""

import os
import threading

import pytest
from threadpoolctl import threadpool_info

from backprop import threads
from bench.cells.processors import cores


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.parametrize("count", sorted({1, cores()}))
def test_every_pool_is_limited_and_current_tells(count):
    before = blas_threads()
    with threads.limited(count):
        assert blas_threads() == {count}
        assert threads.current() == count
    assert blas_threads() == before


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes can't choose their cores here")
def test_every_thread_is_confined_those_of_before_and_those_started_inside():
    allowed = os.sched_getaffinity(0)
    stop, seen = threading.Event(), {}
    older = threading.Thread(target=stop.wait)
    older.start()

    def look():
        seen["newer"] = os.sched_getaffinity(0)

    try:
        with pytest.raises(KeyError), threads.limited(1):
            assert len(os.sched_getaffinity(0)) == 1
            assert os.sched_getaffinity(older.native_id) == os.sched_getaffinity(0)
            newer = threading.Thread(target=look)
            newer.start()
            newer.join()
            assert seen["newer"] == os.sched_getaffinity(0)
            raise KeyError
        assert os.sched_getaffinity(0) == os.sched_getaffinity(older.native_id) == allowed
    finally:
        stop.set()
        older.join()
