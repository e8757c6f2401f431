"""The machine's roofs: the flop/s of a large product, and the bytes/s of a copy in memory and within a cache."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from mmap import mmap
from statistics import median
from time import perf_counter

import numpy as np
import numpy.typing as npt
from scipy.linalg import get_blas_funcs

from backprop import cores

from ..cells import capacity
from ..records.record import Peak

# All of it takes some 0.2 s, half of that to get the memory of the copy from the system.
SMALLEST, PRODUCT_SECONDS = 256, 0.07  # of the products: the first is of so many rows, and larger ones as time allows
REPEATS = 4  # of each thing timed, at the least; the best counts
COPIES = 20  # within a cache, in one go: each takes microseconds
USUAL_CACHE, MOST_COPIED = 32 << 20, 128 << 20  # bytes: a last-level cache of unknown size, both arrays of a copy

Bytes = npt.NDArray[np.uint8]


def measure(dtype: str, threads: int) -> Peak | None:
    """What the machine does at the most with so many threads, on the cores of this process.

    None where there is no memory, or no thread, for it to be found out. Call it `machine.alone`, and when nothing is
    timed any more: it leaves the caches and the heap as no engine would.
    """
    numbers = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    l2_bytes = cores.l2_bytes(numbers[0])
    copied = min(2 * (cores.last_level_bytes(numbers[0]) or USUAL_CACHE), MOST_COPIED)
    there = capacity.available()
    if there is not None and there < 4 * copied:
        return None
    try:
        flops = of_products(dtype)
        hertz = [told for number in numbers if (told := cores.hertz(number))]  # now: as it was in the products
        return Peak(
            _rounded(flops),
            _rounded(of_copy(copied, threads)),
            copied,
            _rounded(threads * of_cached_copy(l2_bytes // 2)) if l2_bytes else None,  # each core has one of its own
            _rounded(median(hertz)) if hertz else None,
        )
    except (MemoryError, OSError, RuntimeError):  # a limit that the system did not tell, on memory or threads
        return None


def of_products(dtype: str) -> float:
    """The flop/s of square products, each size twice the one before, by the BLAS that engines and floor have."""
    (gemm,) = get_blas_funcs(("gemm",), dtype=np.dtype(dtype))
    best, size, end = 0.0, SMALLEST, perf_counter() + PRODUCT_SECONDS
    while True:  # also when no larger one fits: on a busy machine few tries of many threads are undisturbed
        a, b, c = (np.ones((size, size), dtype, order="F") for _ in range(3))
        taken = _best(partial(gemm, 1.0, a, b, 0.0, c, 0, 0, 1))
        best, left = max(best, 2 * size**3 / taken), end - perf_counter()
        if left <= 0:
            return best
        if left > (REPEATS + 1) * 8 * taken:
            size *= 2


def of_copy(count: int, threads: int) -> float:
    """The bytes/s, read and written, of copying half of so many bytes to the other half, each thread a part."""
    parts = [_fresh(count // threads) for _ in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda part: part.fill(1), parts))  # the system gives memory when it is touched
        taken = _best(lambda: list(pool.map(_copy, parts)))
    return sum(map(len, parts)) / taken


def of_cached_copy(count: int) -> float:
    """The same of so few bytes that a cache holds them, by one thread."""
    return COPIES * count / _best(partial(_copy_often, np.ones(count, np.uint8)))


def _fresh(count: int) -> Bytes:
    """So many bytes of the system's, which has them back once they are not used: the pinned heap would keep them."""
    return np.frombuffer(mmap(-1, count), np.uint8)


def _copy(part: Bytes) -> None:
    half = len(part) // 2
    np.copyto(part[:half], part[half : 2 * half])


def _copy_often(part: Bytes) -> None:
    for _ in range(COPIES):
        _copy(part)


def _best(call: Callable[[], object]) -> float:
    """The least seconds of REPEATS calls, after one that is not timed."""
    call()
    taken = []
    for _ in range(REPEATS):
        start = perf_counter()
        call()
        taken.append(perf_counter() - start)
    return min(taken)


def _rounded(value: float) -> float:
    """To four digits: no try agrees with the next in more."""
    return float(f"{value:.4g}")
