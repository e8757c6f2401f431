"""How long until the first step?  Fresh processes of two engines in turn; what is compiled is on the disk by then.

    python -m tests.trials.start

Prints, for each dtype, the seconds from the start of the interpreter to the end of a first step at 784-30-10, batch 10,
by each engine, and the difference, medians. Takes a minute.
"""

from __future__ import annotations

import subprocess
import sys
from statistics import median
from time import perf_counter

ENGINES, TIMES = ("fused", "numba_jit"), 10
STEP = """
import sys, numpy as np
from backprop import Network, load
name, dtype = sys.argv[1:]
engine = load(name)(Network.random((784, 30, 10), np.random.default_rng(0), dtype))
engine.step(np.ones((10, 784), dtype), np.ones((10, 10), dtype), 0.1)
"""


def seconds(name: str, dtype: str) -> float:
    start = perf_counter()
    subprocess.run([sys.executable, "-c", STEP, name, dtype], check=True)
    return perf_counter() - start


if __name__ == "__main__":
    for dtype in ("float32", "float64"):
        taken: dict[str, list[float]] = {name: [] for name in ENGINES}
        for _ in range(TIMES + 1):
            for name in ENGINES:
                taken[name].append(seconds(name, dtype))
        pairs = list(zip(*(taken[name][1:] for name in ENGINES), strict=True))  # in the first, code is compiled
        told = ", ".join(f"{name} {median(taken[name][1:]):.2f} s" for name in ENGINES)
        print(f"{dtype}: {told}; {ENGINES[1]} {median(b - a for a, b in pairs):+.2f} s")
