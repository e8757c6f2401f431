"""A record as a race would have written it, for the tests of everything downstream."""

import numpy as np
import pytest

from bench.grid import Cell
from bench.records import SCHEMA, Environment, Noise, Pool, Record, Result

ENVIRONMENT = Environment(
    cpu="Test CPU",
    cores=2,
    governor=None,
    os="Linux",
    python="CPython 3.11.0",
    packages={"numpy": "2.0.0"},
    revision="0" * 40,
    dirty=False,
    allocator="pinned",
    blas=[Pool("openblas", "0.3", "SkylakeX", 1, "numpy.libs")],
)


def make_record(batch=10, speedup=4.0, hidden="30", noise=0.01, failed=None, slow=None, **cell):
    """A record of per_sample and full_matrix, `speedup` apart, with a little made-up spread between passes."""
    rng = np.random.default_rng(batch)
    sizes = (784, *(int(n) for n in hidden.split("-") if n), 10)

    def slices(seconds):
        return [[float(f"{seconds * np.exp(noise * rng.normal()):.6g}") for _ in range(4)] for _ in range(8)]

    fast = 1e-5 * batch
    contestants = [
        Result("per_sample", slices(fast * speedup), 3, 1e-16, 1000 * batch),
        Result("full_matrix", slices(fast), 7, 2e-16, 2000 * batch),
    ]
    if failed:
        contestants.append(Result("wrong", left_out=failed, failed=True))
    if slow:
        contestants[0] = Result("per_sample", left_out=slow)
    twin = Noise("full_matrix", slices(fast))
    started = "2026-01-02T03:04:05+00:00"
    return Record(SCHEMA, Cell(sizes, batch, **cell), contestants, twin, ENVIRONMENT, started, 4.0)


@pytest.fixture
def record():
    return make_record


@pytest.fixture
def grid_records():
    """A small grid of records: three batch sizes, two widths."""
    return [
        make_record(batch, speedup=0.8 * batch**0.5, hidden=hidden) for hidden in ("10", "30") for batch in (1, 10, 100)
    ]
